import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compareOldChecksums, oldChecksums } from "../../../../../ops/backup/format/checksums.ts";
import { ensureRoot } from "../../../../../ops/backup/keep/root.ts";
import { findRestorable, openOldBackup } from "../../../../../ops/backup/restore/restorable.ts";
import { plainSql } from "../../../../../ops/backup/stores/postgres/sql-text.ts";
import { writeExampleBackup } from "../../../../harness/support/backup-directory.ts";
import { leaveFinderFiles } from "../../../../harness/support/finder.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const ID = "20251104_023000";

/** As backup_mem0.sh of the old guide left them. */
function writeOldBackup(): string {
  const directory = path.join(root.path, "daily", ID);
  mkdirSync(path.join(directory, "postgres"), { recursive: true });
  mkdirSync(path.join(directory, "neo4j"));
  writeFileSync(path.join(directory, "postgres", `mem0_${ID}.sql.gz`), gzipSync("SELECT 1;\n"));
  writeFileSync(path.join(directory, "neo4j", `mem0_neo4j_${ID}.tar.gz`), "a tar");
  return directory;
}

describe("a backup of the old guide's form", () => {
  it("is opened by its directory or, in the stack's root, by its id", async () => {
    const directory = writeOldBackup();
    for (const named of [directory, ID]) {
      const opened = findRestorable(root.path, named, undefined, []);
      expect(opened).toMatchObject({ id: ID, directory, manifest: undefined, history: undefined });
      expect(opened.graph?.kind).toBe("files");
      if (opened.postgres === undefined) throw new Error("no dump");
      expect(await text(plainSql(opened.postgres))).toBe("SELECT 1;\n");
    }
  });

  it("is not mistaken for what the Finder left beside its files", async () => {
    const directory = writeOldBackup();
    for (const folder of ["", "postgres", "neo4j"]) leaveFinderFiles(path.join(directory, folder));
    const opened = openOldBackup(directory);
    expect(opened?.graph).toMatchObject({ file: `neo4j/mem0_neo4j_${ID}.tar.gz` });
    if (opened?.postgres === undefined) throw new Error("no dump");
    expect(await text(plainSql(opened.postgres))).toBe("SELECT 1;\n");
  });

  it.each(["elsewhere", "itself"])("is not opened by its id through a link to %s", (target) => {
    const directory = writeOldBackup();
    const elsewhere = path.join(root.path, "elsewhere");
    renameSync(directory, elsewhere);
    symlinkSync(target === "itself" ? directory : elsewhere, directory);
    expect(() => findRestorable(root.path, ID, undefined, [])).toThrow(
      `${ID} is a symbolic link, which is not followed`,
    );
  });

  it("tells what it lacks", () => {
    const lacks = openOldBackup(writeOldBackup())?.lacks.join("\n");
    expect(lacks).toMatch(/no history file/);
    expect(lacks).toMatch(/no identity/);
    expect(lacks).toMatch(/no counts/);
    expect(lacks).toMatch(/no checksums/);
    rmSync(path.join(root.path, "daily", ID, "neo4j"), { recursive: true });
    expect(openOldBackup(path.join(root.path, "daily", ID))?.lacks.join()).toMatch(/no copy of Neo4j/);
  });

  it.each([
    ["sha256", "SHA256SUMS", (file: string) => file],
    ["md5", "checksums.md5", (file: string) => `/Volumes/Data/backups/mem0/daily/${ID}/${file}`],
    ["sha256", "postgres/checksums.txt", (file: string) => path.basename(file)],
  ] as const)("has its %s sums found in %s, however they name the file", (algorithm, name, written) => {
    const directory = writeOldBackup();
    const file = `postgres/mem0_${ID}.sql.gz`;
    const sum = createHash(algorithm).update("any").digest("hex");
    writeFileSync(path.join(directory, name), `${sum}  ${written(file)}\n`);
    expect(oldChecksums(directory).get(file)).toEqual({ algorithm, sum });
    expect(openOldBackup(directory)?.lacks.join()).not.toMatch(/no checksums/);
  });

  it("is compared with its sums, where it has some", async () => {
    const directory = writeOldBackup();
    const file = `postgres/mem0_${ID}.sql.gz`;
    const sum = createHash("sha256").update(gzipSync("SELECT 1;\n")).digest("hex");
    writeFileSync(path.join(directory, "SHA256SUMS"), `${sum}  ${file}\n`);
    expect(await compareOldChecksums(directory)).toMatch(/^1 file/);
    writeFileSync(path.join(directory, file), gzipSync("SELECT 2;\n"));
    await expect(compareOldChecksums(directory)).rejects.toThrow(`${file} is not as it was written`);
  });
});

describe("a backup that is asked for", () => {
  it("is found in whatever tier it lies, suspects too", () => {
    writeExampleBackup(root.path, "weekly", "20261122_023000");
    writeExampleBackup(root.path, "daily", "20261123_023000", { result: "suspect", reasons: ["x"] });
    expect(findRestorable(root.path, "20261122_023000", undefined, []).manifest?.tier).toBe("weekly");
    const suspect = findRestorable(root.path, "20261123_023000", undefined, []);
    expect(suspect.manifest?.result).toBe("suspect");
    expect(suspect.lacks[0]).toBe("it is suspect: x");
    expect(findRestorable(root.path, "latest", undefined, []).id, "the newest good one").toBe(
      "20261122_023000",
    );
  });

  it("is found by its directory, also where copies go", () => {
    const elsewhere = path.join(root.path, "copies");
    const directory = writeExampleBackup(elsewhere, "daily", "20261122_023000", {
      result: "suspect",
      reasons: ["x"],
    });
    expect(findRestorable(root.path, directory, undefined, [])).toMatchObject({
      id: "20261122_023000",
      manifest: { tier: "daily" },
    });
    writeFileSync(path.join(directory, "postgres", "mem0_20261122_023000.dump"), "cut off");
    expect(() => findRestorable(root.path, directory, undefined, [])).toThrow(/damaged: postgres.*7 bytes/);
  });

  it("and that is damaged, not there or encrypted is refused with the reason", () => {
    const directory = writeExampleBackup(root.path, "daily", "20261122_023000");
    writeFileSync(path.join(directory, "postgres", "mem0_20261122_023000.dump"), "cut off");
    expect(() => findRestorable(root.path, "20261122_023000", undefined, [])).toThrow(
      /damaged: postgres.*7 bytes/,
    );
    ensureRoot(root.path, { stack: "prd", instanceId: "i-1", stateDir: path.join(root.path, "state") });
    expect(() => findRestorable(root.path, "20200101_000000", undefined, [])).toThrow(
      expect.objectContaining({
        message: "there is no backup 20200101_000000",
        mend: "./mem0 backups prd lists what there is",
      }),
    );
    expect(() => findRestorable(root.path, root.path, undefined, [])).toThrow(
      "neither a backup's id nor the directory of a backup",
    );
    writeExampleBackup(root.path, "daily", "20261123_023000", { encryption: { recipients: ["age1x"] } });
    expect(() => findRestorable(root.path, "20261123_023000", undefined, [])).toThrow("is encrypted");
  });
});
