import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { layout } from "../../../../../ops/backup/format/layout.ts";
import { type Backup, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import { copyTo } from "../../../../../ops/backup/keep/copy-elsewhere.ts";
import { writeExampleBackup } from "../../../../harness/support/backup-directory.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const at = (...names: string[]) => path.join(scratch.path, ...names);
const copy = (backup: Backup) =>
  copyTo({ path: at("copies") }, backup, { stack: "test", instanceId: "i-1", stateDir: at("state") });

let backup: Backup;
beforeEach(() => {
  writeExampleBackup(at("root"), "daily", "20261124_023000");
  const [found] = readCatalogue(at("root"), []).good;
  if (found === undefined) throw new Error("no backup");
  backup = found;
  for (const directory of ["copies", "theirs"]) mkdirSync(at(directory), { mode: 0o700 });
});

describe("a copy elsewhere", () => {
  it("goes to no directory that others may write to", async () => {
    chmodSync(at("copies"), 0o777);
    await expect(copy(backup)).rejects.toThrow("the directory for copies may be written to by other users");
    expect(readdirSync(at("copies"))).toEqual([]);
  });

  it.each([
    ["the tier", layout.tier],
    ["unfinished work", layout.partial],
  ])("goes nowhere through a link in the place of %s", async (_, place) => {
    symlinkSync(at("theirs"), place(at("copies"), "daily"));
    await expect(copy(backup)).rejects.toThrow("is a symbolic link, which is not followed");
    expect(readdirSync(at("theirs"))).toEqual([]);
  });

  it("takes nothing along that a link of the backup leads to", async () => {
    const part = path.join(backup.directory, backup.manifest.parts[0]?.file ?? "");
    renameSync(part, at("secret"));
    symlinkSync(at("secret"), part);
    await expect(copy(backup)).rejects.toThrow("is a symbolic link, which is not followed");
    expect(existsSync(layout.backup(at("copies"), "daily", backup.id))).toBe(false);
  });
});
