import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  parseBackupManifest,
  renderBackupManifest,
} from "../../../../../ops/backup/format/backup-manifest.ts";
import { backupId, FILES, layout } from "../../../../../ops/backup/format/layout.ts";
import { readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import {
  accept,
  chooseForVerification,
  discard,
  judge,
  pin,
  prune,
} from "../../../../../ops/backup/keep/keeping.ts";
import { beginPartial, removeDeadPartials } from "../../../../../ops/backup/keep/unfinished.ts";
import { forgeManifest, writeExampleBackup } from "../../../../harness/support/backup-directory.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const KEEP = { hourly: 24, daily: 7, weekly: 4, monthly: 12 };
const NOW = new Date("2026-11-24T12:00:00Z");
const day = (age: number) => backupId(new Date(NOW.getTime() - age * 86_400_000));
const daily = (count: number) => {
  for (let age = 0; age < count; age++) writeExampleBackup(root.path, "daily", day(age));
};
const there = () => readCatalogue(root.path, []).good.map(({ id }) => id);

describe("pruning", () => {
  it("removes the oldest beyond the number that is kept, and nothing else", () => {
    daily(9);
    const { removed } = prune(root.path, KEEP, NOW, []);
    expect(removed.map(({ id }) => id)).toEqual([day(8), day(7)]);
    expect(there()).toEqual([6, 5, 4, 3, 2, 1, 0].map(day));
    expect(readCatalogue(root.path, []).unfinished).toEqual([]);
  });

  it("says what it would remove without doing so", () => {
    daily(8);
    expect(judge(readCatalogue(root.path, []), KEEP, NOW).removed.map(({ id }) => id)).toEqual([day(7)]);
    expect(there()).toHaveLength(8);
  });

  it("does nothing while one is damaged, until a person discards it", () => {
    daily(9);
    writeFileSync(
      path.join(layout.backup(root.path, "daily", day(0)), "postgres", `mem0_${day(0)}.dump`),
      "x",
    );
    expect(prune(root.path, KEEP, NOW, [])).toMatchObject({
      removed: [],
      stopped: expect.stringContaining(day(0)),
    });
    discard(root.path, day(0), []);
    expect(prune(root.path, KEEP, NOW, []).removed.map(({ id }) => id)).toEqual([day(8)]);
  });

  it("leaves what it does not know alone: backups of the old guide, and other people's files", () => {
    daily(9);
    const old = path.join(layout.tier(root.path, "daily"), "20240101_020000", "postgres");
    mkdirSync(old, { recursive: true });
    writeFileSync(path.join(layout.tier(root.path, "daily"), "notes.txt"), "mine");
    prune(root.path, KEEP, NOW, []);
    expect(existsSync(old)).toBe(true);
    expect(existsSync(path.join(layout.tier(root.path, "daily"), "notes.txt"))).toBe(true);
  });

  it("removes nothing that lies where a removed backup is put and bears no mark of one", () => {
    daily(9);
    const grave = path.join(layout.partial(root.path), `removed-daily-${day(8)}`);
    mkdirSync(grave, { recursive: true });
    writeFileSync(path.join(grave, "notes.txt"), "mine");
    expect(() => prune(root.path, KEEP, NOW, [])).toThrow("bears no mark of this tool");
    expect(existsSync(path.join(grave, "notes.txt"))).toBe(true);
    expect(there()).toHaveLength(9);
  });

  it("refuses settings that keep nothing, and names them", () => {
    daily(1);
    const nothing = { hourly: 0, daily: 0, weekly: 0, monthly: 0 };
    expect(() => prune(root.path, nothing, NOW, [])).toThrow("would delete all backups");
    expect(there()).toHaveLength(1);
  });
});

describe("a suspect backup", () => {
  const suspect = (id = day(0)) =>
    writeExampleBackup(root.path, "daily", id, {
      result: "suspect",
      reasons: ["memories fell from 100 to 3"],
    });

  it("stops pruning until it is accepted, and counts from then on", () => {
    daily(9);
    const id = backupId(new Date(NOW.getTime() - 1000));
    suspect(id);
    expect(prune(root.path, KEEP, NOW, []).removed).toEqual([]);
    const accepted = accept(root.path, id, []);
    expect(accepted.directory).toBe(layout.backup(root.path, "daily", id));
    expect(accepted.manifest).toMatchObject({ result: "good", reasons: ["memories fell from 100 to 3"] });
    expect(there()).toContain(id);
    expect(prune(root.path, KEEP, NOW, []).removed.length).toBeGreaterThan(0);
  });

  it("is accepted to the end when accepting it was cut off before the renaming", () => {
    const file = path.join(suspect(), FILES.manifest);
    const { seal: _, ...content } = parseBackupManifest(readFileSync(file, "utf8"));
    writeFileSync(file, renderBackupManifest({ ...content, result: "good" }));
    expect(readCatalogue(root.path, []).damaged).toHaveLength(1);
    expect(accept(root.path, day(0), []).manifest.result).toBe("good");
    expect(there()).toEqual([day(0)]);
  });

  it("is gone once it is discarded", () => {
    suspect();
    discard(root.path, day(0), []);
    expect(readCatalogue(root.path, [])).toMatchObject({ suspects: [], unfinished: [] });
  });

  it("cannot be made of a good one, nor can a good one be discarded", () => {
    daily(1);
    expect(() => accept(root.path, day(0), [])).toThrow(`there is no suspect backup ${day(0)}`);
    expect(() => discard(root.path, day(0), [])).toThrow(
      `there is no suspect, damaged or foreign backup ${day(0)}`,
    );
  });
});

describe("a backup of a newer version", () => {
  it("is kept, told as what it is, and neither discarded nor in the way", () => {
    daily(9);
    const id = backupId(new Date(NOW.getTime() - 1000));
    const directory = writeExampleBackup(root.path, "daily", id);
    const { seal: _, ...content } = parseBackupManifest(
      readFileSync(path.join(directory, FILES.manifest), "utf8"),
    );
    writeFileSync(path.join(directory, FILES.manifest), forgeManifest({ ...content, version: 2 }));
    const kept = judge(readCatalogue(root.path, []), KEEP, NOW).kept.find(({ backup }) => backup.id === id);
    expect(kept).toMatchObject({
      backup: { id, result: "newer", wrong: expect.stringMatching(/^it is whole, and of version 2/) },
      reasons: [{ why: "of a newer version: a newer checkout judges it" }],
    });
    expect(prune(root.path, KEEP, NOW, []).removed.length).toBeGreaterThan(0);
    expect(() => discard(root.path, id, [])).toThrow(`backup ${id}: it is whole, and of version 2`);
    expect(existsSync(directory)).toBe(true);
  });
});

describe("what a killed run has left", () => {
  it.each(["", "{", "null", "[]", '{"pid":"1"}', '{"pid":-1}', "\0".repeat(40)])(
    "is removed when its owner's file is %j",
    async (text) => {
      const directory = await beginPartial(root.path, `hourly-${day(0)}`);
      writeFileSync(path.join(directory, FILES.owner), text);
      expect(await removeDeadPartials(root.path)).toEqual([path.basename(directory)]);
      expect(readCatalogue(root.path, []).unfinished).toEqual([]);
    },
  );
});

describe("a pinned backup", () => {
  it("is kept for good in every tier that has it, until it is unpinned", () => {
    const old = day(100);
    writeExampleBackup(root.path, "daily", old);
    writeExampleBackup(root.path, "weekly", old);
    daily(7);
    pin(root.path, old, "before-the-move");
    expect(prune(root.path, { ...KEEP, weekly: 0 }, NOW, []).removed).toEqual([]);
    expect(readCatalogue(root.path, []).good.filter((one) => one.pin === "before-the-move")).toHaveLength(2);
    pin(root.path, old, undefined);
    expect(
      prune(root.path, { ...KEEP, weekly: 0 }, NOW, [])
        .removed.map(({ tier }) => tier)
        .sort(),
    ).toEqual(["daily", "weekly"]);
  });
});

describe("what a person names", () => {
  it.each(["../../x", "/etc/passwd", "20261399_999999", "", "latest", `${day(0)}/..`])(
    "is no backup when it is %j: never a path, always a time",
    (named) => {
      daily(1);
      for (const verb of [accept, discard, (at: string, id: string) => pin(at, id, "name")]) {
        expect(() => verb(root.path, named, [])).toThrow("names no backup");
      }
      const wish = { stack: "test", ts: named };
      expect(() => chooseForVerification(readCatalogue(root.path, []), wish, NOW)).toThrow("names no backup");
      expect(there()).toHaveLength(1);
    },
  );

  it.each(["", " ", "../../x", "a\nb", "a\u001b[2Jb", "x".repeat(65), "-rf"])(
    "%j is no name to keep a backup under, and nothing is pinned",
    (name) => {
      daily(1);
      expect(() => pin(root.path, day(0), name)).toThrow(/is no name/);
      expect(readCatalogue(root.path, []).good[0]?.pin).toBeUndefined();
    },
  );

  it.each(["before-the-move", "vor dem Umzug 2026", "v1.2_é"])(
    "%j is a name to keep a backup under",
    (name) => {
      daily(1);
      pin(root.path, day(0), name);
      expect(readCatalogue(root.path, []).good[0]?.pin).toBe(name);
    },
  );
});

it("a removal that was killed after its renaming leaves nothing that passes for a backup", () => {
  daily(8);
  const grave = path.join(layout.partial(root.path), `removed-daily-${day(7)}`);
  mkdirSync(path.dirname(grave), { recursive: true });
  renameSync(layout.backup(root.path, "daily", day(7)), grave);
  expect(there()).toHaveLength(7);
  expect(readCatalogue(root.path, []).unfinished).toEqual([grave]);
});
