import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { keepSealKeys, sealKeyOf, sealKeysOf } from "../../../../ops/backup/seal-keys.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { exampleSealKey } from "../../../harness/support/backup-directory.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const root = scratchDirectory();
const [OWN, OLD, NEW] = ["k", "o", "n"].map((sign) => sign.repeat(43));
const ID = { own: exampleSealKey("k").id, old: exampleSealKey("o").id, next: exampleSealKey("n").id };
const files = () => ({
  own: path.join(root.path, "seal_key"),
  taken: path.join(root.path, "taken"),
  known: path.join(root.path, "secrets", "known_seal_keys"),
});
const stack = (secretFiles: Record<string, string> = { seal_key: files().own }) =>
  new DeployedStack(exampleManifest({ secretFiles }), root.path);
const idsOf = (taken?: string) => sealKeysOf(stack(), taken).map(({ id }) => id);

beforeEach(() => {
  writeFileSync(files().own, OWN ?? "");
  writeFileSync(files().taken, `${OLD}\n`);
});

describe("the keys whose backups are a stack's own", () => {
  it("are its own, where it has one, and the one that is taken over", () => {
    expect(sealKeysOf(stack({}))).toEqual([]);
    expect(idsOf(files().taken)).toEqual([ID.own, ID.old]);
    expect(idsOf(), "for that run").toEqual([ID.own]);
  });

  it("stay those that it had before: one that was taken over for good, and one that another has followed", () => {
    keepSealKeys(stack(), files().taken);
    expect(idsOf()).toEqual([ID.own, ID.old]);
    writeFileSync(files().own, NEW ?? "");
    expect(idsOf()).toEqual([ID.next, ID.own, ID.old]);
    expect(sealKeyOf(stack())?.id).toBe(ID.next);
    keepSealKeys(stack());
    keepSealKeys(stack());
    expect(readFileSync(files().known, "utf8")).toBe(`${NEW}\n${OWN}\n${OLD}\n`);
    expect(statSync(files().known).mode & 0o777).toBe(0o600);
  });

  it("can all be taken over at once, from a copy of the file that has them", () => {
    writeFileSync(files().taken, `${OLD}\n${NEW}\n`);
    expect(idsOf(files().taken)).toEqual([ID.own, ID.old, ID.next]);
  });

  it.each(["", "\n", "short\n", `${OLD}\n\nx`])("are none that stand in a file of %j", (text) => {
    writeFileSync(files().taken, text);
    expect(() => sealKeysOf(stack(), files().taken)).toThrow("the file holds no seal key");
    keepSealKeys(stack());
    writeFileSync(files().known, text);
    expect(() => sealKeysOf(stack())).toThrow("the file holds no seal key");
    expect(() => sealKeysOf(stack(), path.join(root.path, "none"))).toThrow();
  });
});
