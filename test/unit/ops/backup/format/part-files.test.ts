import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { describe, expect, it } from "vitest";
import { openPart, PartFiles } from "../../../../../ops/backup/format/part-files.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const done = Promise.resolve();

function part(content: Buffer, ending: Promise<void> = done) {
  return {
    source: "postgres" as const,
    name: "mem0",
    fileName: "mem0_20261124_023000.dump",
    format: "pg-custom" as const,
    produce: () => ({ stream: Readable.from([content.subarray(0, 7), content.subarray(7)]), done: ending }),
  };
}

describe("the parts of a backup", () => {
  it("are written as they come, with the sum that sha256sum would find", async () => {
    const content = randomBytes(300_000);
    const files = new PartFiles(scratch.path, []);
    const written = await files.write(part(content));
    expect(written).toMatchObject({ file: "postgres/mem0_20261124_023000.dump", bytes: 300_000 });
    expect(readFileSync(path.join(scratch.path, written.file)).equals(content)).toBe(true);
    const sum = createHash("sha256").update(content).digest("hex");
    expect(files.checksums()).toBe(`${sum}  postgres/mem0_20261124_023000.dump\n`);
    expect((await buffer(openPart(scratch.path, written).open())).equals(content)).toBe(true);
  });

  it("encrypted, can be read with the identity alone", async () => {
    const identity = await generateIdentity();
    const files = new PartFiles(scratch.path, [await identityToRecipient(identity)]);
    const content = Buffer.from("I keep bees on the roof. ".repeat(20_000));
    const written = await files.write(part(content));
    const file = path.join(scratch.path, written.file);
    expect(written.file).toBe("postgres/mem0_20261124_023000.dump.age");
    expect(readFileSync(file).includes("bees")).toBe(false);
    const text = `# made by age-keygen\n${identity}\n`;
    expect((await buffer(openPart(scratch.path, written, text).open())).equals(content)).toBe(true);
    expect(() => openPart(scratch.path, written).open()).toThrow("an identity file is needed");
    const other = openPart(scratch.path, written, await generateIdentity());
    await expect(buffer(other.open())).rejects.toThrow("no identity matched");
    const changed = readFileSync(file);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    writeFileSync(file, changed);
    await expect(buffer(openPart(scratch.path, written, text).open())).rejects.toThrow();
  });

  it("fail with whoever makes them, also when all bytes had come", async () => {
    const failing = Promise.reject(new Error("pg_dump ended with 1"));
    failing.catch(() => {});
    await expect(
      new PartFiles(scratch.path, []).write(part(Buffer.from("half of it"), failing)),
    ).rejects.toThrow("pg_dump ended with 1");
  });

  it("never replace a file that is there", async () => {
    const files = new PartFiles(scratch.path, []);
    const written = await files.write(part(Buffer.from("the first one")));
    await expect(files.write(part(Buffer.from("another one")))).rejects.toThrow("EEXIST");
    expect(existsSync(path.join(scratch.path, written.file))).toBe(true);
    expect(readFileSync(path.join(scratch.path, written.file), "utf8")).toBe("the first one");
  });
});
