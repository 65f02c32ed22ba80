import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backend } from "../../../toolchain/steps/backend.ts";
import { passphrase } from "../../../toolchain/steps/passphrase.ts";
import type { Host } from "../../../toolchain/steps/step.ts";

let home: string;
let notes: string[];
let host: Host;

beforeEach(async () => {
  const parent = mkdtempSync(path.join(os.tmpdir(), "mem0-state-"));
  home = path.join(parent, "home");
  notes = [];
  host = {
    checkout: parent,
    stateHome: home,
    env: {},
    platform: process.platform,
    user: { ...os.userInfo(), home: parent },
    way: "auto",
    vendors: { pulumi: async () => false, images: async () => false },
    note: (text) => notes.push(text),
  };
});

afterEach(() => rmSync(path.dirname(home), { recursive: true, force: true }));

const nothing = () => undefined;
const mode = (file: string) => statSync(path.join(home, file)).mode & 0o777;
const read = () => readFileSync(path.join(home, "passphrase"), "utf8");

function makeStack(): void {
  mkdirSync(path.join(home, "pulumi", ".pulumi", "stacks", "mem0"), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(home, "pulumi", ".pulumi", "stacks", "mem0", "test.json"), "{}");
}

describe("the state directory", () => {
  it("is made for the user's eyes only", async () => {
    expect(await backend.inspect(host)).toMatchObject({ state: "missing" });
    await backend.ensure(host, nothing);
    expect(await backend.inspect(host)).toMatchObject({ state: "there", detail: home });
    expect([mode("."), mode("pulumi")]).toEqual([0o700, 0o700]);
  });

  it("that others may read is wrong, and is closed", async () => {
    await backend.ensure(host, nothing);
    chmodSync(path.join(home, "pulumi"), 0o755);
    expect(await backend.inspect(host)).toMatchObject({ state: "wrong", mend: "./mem0 setup" });
    await backend.ensure(host, nothing);
    expect(mode("pulumi")).toBe(0o700);
  });

  it("that is a file, or below one, is an error that names it", async () => {
    writeFileSync(home, "");
    expect(await backend.inspect(host)).toMatchObject({ state: "wrong" });
    await expect(backend.ensure(host, nothing)).rejects.toMatchObject({ where: home });
  });
});

describe("the passphrase", () => {
  beforeEach(() => backend.ensure(host, nothing));

  it("is made once, random, readable by its owner alone, and its loss is explained", async () => {
    await passphrase.ensure(host, nothing);
    expect(await passphrase.inspect(host)).toMatchObject({ state: "there" });
    expect(mode("passphrase")).toBe(0o600);
    expect(Buffer.from(read().trim(), "base64url")).toHaveLength(32);
    expect(notes.join()).toMatch(/copy it to a safe place/);
  });

  it("stays as it is when set-up runs again, and nothing is said", async () => {
    await passphrase.ensure(host, nothing);
    const before = read();
    notes.length = 0;
    await passphrase.ensure(host, nothing);
    expect(read()).toBe(before);
    expect(notes).toEqual([]);
  });

  it("is one and the same for two set-ups that run at once, and is told once", async () => {
    await Promise.all([passphrase.ensure(host, nothing), passphrase.ensure(host, nothing)]);
    expect(notes).toHaveLength(1);
    expect(await passphrase.inspect(host)).toMatchObject({ state: "there" });
  });

  it("that is gone while stacks need it is an error with the way out, never a new one", async () => {
    makeStack();
    const part = await passphrase.inspect(host);
    expect(part).toMatchObject({ state: "wrong", detail: expect.stringContaining("mem0/test") });
    expect(part.mend).toContain(path.join(home, "passphrase"));
    await expect(passphrase.ensure(host, nothing)).rejects.toThrow(/passphrase is gone/);
    expect(() => read()).toThrow("ENOENT");
  });

  it("that others may read is wrong, and is mended without a change of its text", async () => {
    await passphrase.ensure(host, nothing);
    const before = read();
    chmodSync(path.join(home, "passphrase"), 0o644);
    expect(await passphrase.inspect(host)).toMatchObject({ state: "wrong" });
    await passphrase.ensure(host, nothing);
    expect(mode("passphrase")).toBe(0o600);
    expect(read()).toBe(before);
  });

  it("that is empty is wrong, and is left for its owner to judge", async () => {
    makeStack();
    writeFileSync(path.join(home, "passphrase"), "", { mode: 0o600 });
    await passphrase.ensure(host, nothing);
    expect(await passphrase.inspect(host)).toMatchObject({
      state: "wrong",
      detail: expect.stringContaining("empty"),
    });
    expect(read()).toBe("");
  });
});
