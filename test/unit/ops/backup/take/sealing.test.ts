import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { layout } from "../../../../../ops/backup/format/layout.ts";
import { PartFiles } from "../../../../../ops/backup/format/part-files.ts";
import { isWhole, readBackup, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import { beginPartial, removeDeadPartials } from "../../../../../ops/backup/keep/unfinished.ts";
import { promote, seal } from "../../../../../ops/backup/take/sealing.ts";
import {
  exampleContent,
  exampleSealKey,
  writeExampleBackup,
} from "../../../../harness/support/backup-directory.ts";
import { leaveFinderFiles } from "../../../../harness/support/finder.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const ID = "20261124_023000";

describe("sealing", () => {
  it("gives a backup its name at the very end, with checksums that sha256sum agrees with", async () => {
    const partial = await beginPartial(scratch.path, "daily");
    const files = new PartFiles(partial, []);
    await files.write({
      source: "postgres",
      name: "mem0",
      fileName: `mem0_${ID}.dump`,
      format: "pg-custom",
      produce: () => ({ stream: Readable.from([Buffer.from("rows")]), done: Promise.resolve() }),
    });
    expect(readCatalogue(scratch.path, [])).toMatchObject({ good: [], damaged: [], unfinished: [partial] });
    const { checksums: _, parts: __, ...content } = exampleContent(ID, "daily");
    const key = exampleSealKey();
    const directory = await seal(scratch.path, partial, files, content, key);
    expect(directory).toBe(layout.backup(scratch.path, "daily", ID));
    const { good, unfinished } = readCatalogue(scratch.path, [key]);
    expect(good).toMatchObject([{ id: ID, bytes: 4 }]);
    expect(unfinished).toEqual([]);
    expect(good.map(({ sealed }) => sealed)).toEqual(["this-stack"]);
    const check = spawnSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: directory });
    if (check.error === undefined) expect(check.status).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(["SHA256SUMS", "manifest.json", "postgres"]);
  });

  it("keeps a suspect one apart", async () => {
    const partial = await beginPartial(scratch.path, "daily");
    const {
      checksums: _,
      parts: __,
      ...content
    } = exampleContent(ID, "daily", { result: "suspect", reasons: ["empty"] });
    await seal(scratch.path, partial, new PartFiles(partial, []), content);
    expect(readCatalogue(scratch.path, [])).toMatchObject({ good: [], suspects: [{ id: ID }] });
  });
});

describe("a daily backup that serves another tier", () => {
  it("shares its bytes and has a manifest of its own, sealed as the first one was", async () => {
    const key = exampleSealKey();
    const directory = writeExampleBackup(scratch.path, "daily", ID, {}, key);
    const daily = readBackup({ id: ID, tier: "daily", directory, suspect: false }, [key]);
    if (!isWhole(daily)) throw new Error(daily.reason);
    const weekly = await promote(scratch.path, daily, "weekly", key);
    const [first, second] = [directory, weekly].map((at) =>
      statSync(path.join(at, "postgres", `mem0_${ID}.dump`)),
    );
    expect(second?.ino).toBe(first?.ino);
    const found = readCatalogue(scratch.path, [key]).good.map(({ tier, manifest, sealed }) => [
      tier,
      manifest.tier,
      sealed,
    ]);
    expect(found).toEqual([
      ["daily", "daily", "this-stack"],
      ["weekly", "weekly", "this-stack"],
    ]);
  });
});

describe("what runs left", () => {
  const leave = (name: string, files: Record<string, string>) => {
    const directory = path.join(layout.partial(scratch.path), name);
    mkdirSync(directory, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(directory, file), text);
    return directory;
  };
  const ownedBy = (pid: number) => ({ "owner.json": JSON.stringify({ pid, born: "", host: os.hostname() }) });

  it("is removed when they are dead, and left alone while they live", async () => {
    const { pid } = spawnSync("true");
    leave(`daily-${ID}-1`, ownedBy(pid));
    const alive = leave(`daily-${ID}-2`, ownedBy(process.ppid));
    leave(`hourly-${ID}-3`, {});
    leave(`removed-daily-${ID}`, { "manifest.json": "{}" });
    leaveFinderFiles(layout.partial(scratch.path));
    expect(await removeDeadPartials(scratch.path)).toEqual([
      `daily-${ID}-1`,
      `hourly-${ID}-3`,
      `removed-daily-${ID}`,
    ]);
    expect(existsSync(alive)).toBe(true);
  });

  it("is told from what is not theirs: another name, no mark, a link", async () => {
    const { pid } = spawnSync("true");
    const theirs = path.join(scratch.path, "theirs");
    mkdirSync(theirs);
    writeFileSync(path.join(theirs, "owner.json"), ownedBy(pid)["owner.json"]);
    leave("photos", ownedBy(pid));
    leave(`daily-${ID}-1`, { "notes.txt": "mine" });
    symlinkSync(theirs, path.join(layout.partial(scratch.path), `daily-${ID}-2`));
    symlinkSync(theirs, path.join(leave(`daily-${ID}-3`, {}), "owner.json"));
    expect(await removeDeadPartials(scratch.path)).toEqual([]);
    expect(readdirSync(layout.partial(scratch.path))).toHaveLength(4);
    expect(readdirSync(theirs)).toEqual(["owner.json"]);
  });

  it("is removed with the links in it, and nothing that these lead to", async () => {
    const { pid } = spawnSync("true");
    const theirs = path.join(scratch.path, "theirs");
    mkdirSync(theirs);
    writeFileSync(path.join(theirs, "photo"), "mine");
    symlinkSync(theirs, path.join(leave(`daily-${ID}-1`, ownedBy(pid)), "postgres"));
    expect(await removeDeadPartials(scratch.path)).toEqual([`daily-${ID}-1`]);
    expect(readdirSync(theirs)).toEqual(["photo"]);
  });
});
