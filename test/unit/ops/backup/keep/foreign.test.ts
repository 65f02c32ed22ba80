import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { BackupContent } from "../../../../../ops/backup/format/backup-manifest.ts";
import { backupId, FILES, layout, type Tier } from "../../../../../ops/backup/format/layout.ts";
import { newestGood, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import {
  accept,
  chooseForVerification,
  discard,
  judge,
  pin,
  prune,
} from "../../../../../ops/backup/keep/keeping.ts";
import { requireVerifiedBackup } from "../../../../../ops/backup/prove/deletion-guard.ts";
import { findRestorable } from "../../../../../ops/backup/restore/restorable.ts";
import { promoteWhereDue } from "../../../../../ops/backup/take/afterwards.ts";
import { lastGood } from "../../../../../ops/backup/take/guard.ts";
import { DeployedStack } from "../../../../../ops/stack/deployed-stack.ts";
import {
  exampleSealKey,
  forgeManifest,
  writeExampleBackup,
} from "../../../../harness/support/backup-directory.ts";
import { exampleManifest } from "../../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const KEEP = { hourly: 24, daily: 7, weekly: 4, monthly: 12 };
const NOW = new Date("2026-11-24T12:00:00Z");
const OWN = exampleSealKey();
const OTHER = exampleSealKey("o");
const day = (age: number) => backupId(new Date(NOW.getTime() - age * 86_400_000));
const own = (age: number, tier: Tier = "daily") => writeExampleBackup(root.path, tier, day(age), {}, OWN);
const read = (keys = [OWN]) => readCatalogue(root.path, keys);
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);

/** Puts a backup of few memories into the root, as somebody does who does not have the key. */
const PLANTED: Record<string, (id: string, tier?: Tier) => string> = {
  unsealed: (id, tier = "daily") => writeExampleBackup(root.path, tier, id, FEW),
  "sealed by another stack": (id, tier = "daily") => writeExampleBackup(root.path, tier, id, FEW, OTHER),
  "changed since it was sealed": (id, tier = "daily") => {
    const directory = writeExampleBackup(root.path, tier, id, {}, OWN);
    const file = path.join(directory, FILES.manifest);
    const { seal: _, ...content } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    writeFileSync(file, forgeManifest({ ...content, ...FEW }));
    return directory;
  },
};
const FEW: Partial<BackupContent> = {
  counts: { memories: 1, users: 1, nodes: 1, relationships: 1, historyEntries: 1 },
};

describe.each(Object.keys(PLANTED))("a backup that is %s and newer than the stack's own", (kind) => {
  const plant = PLANTED[kind] ?? PLANTED.unsealed;
  beforeEach(() => {
    for (let age = 1; age < 9; age++) own(age);
    plant?.(day(0));
  });

  it("is listed as such, and as none of the good ones", () => {
    expect(ids(read().good)).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map(day));
    expect(ids(read().foreign)).toEqual([day(0)]);
    const found = judge(read(), KEEP, NOW).kept.find(({ backup }) => backup.id === day(0));
    expect(found?.backup).toMatchObject({ wrong: kind });
    expect(found?.backup.result).toBe(kind.startsWith("changed") ? "damaged" : "foreign");
  });

  it("is not `latest` without a word, and is had by its name", () => {
    expect(newestGood(read())?.id).toBe(day(1));
    expect(() => findRestorable(root.path, "latest", undefined, [OWN])).toThrow(
      `\`latest\` may mean two: ${day(1)} is the newest that this stack made, and ${day(0)} is newer and ${kind}`,
    );
    expect(findRestorable(root.path, day(0), undefined, [OWN]).id).toBe(day(0));
    expect(ids(chooseForVerification(read(), { stack: "test" }, NOW).backups)).toEqual([day(1)]);
    expect(ids(chooseForVerification(read(), { stack: "test", all: true }, NOW).backups)).toContain(day(0));
  });

  it("is not what the next backup is compared with", () => {
    expect(lastGood(read())?.manifest.counts.memories).toBe(100);
  });

  it("can be pinned and discarded, and the stack's own cannot be discarded", () => {
    pin(root.path, day(0), "kept");
    expect(read().foreign[0]?.pin).toBe("kept");
    discard(root.path, day(0), [OWN]);
    expect(read().foreign).toEqual([]);
    expect(() => discard(root.path, day(1), [OWN])).toThrow("there is no suspect, damaged or foreign backup");
  });
});

describe("pruning", () => {
  it.each(["unsealed", "sealed by another stack"])("removes none of its own for what is %s", (kind) => {
    for (let age = 0; age < 8; age++) own(age);
    for (const hours of [1, 25, 49, 73]) {
      PLANTED[kind]?.(backupId(new Date(NOW.getTime() - hours * 3_600_000)));
      PLANTED[kind]?.(backupId(new Date(NOW.getTime() - (hours + 300) * 3_600_000)));
    }
    expect(ids(prune(root.path, KEEP, NOW, [OWN]).removed).filter((id) => id.endsWith("_120000"))).toEqual([
      day(7),
    ]);
    expect(ids(read().good)).toEqual(expect.arrayContaining([6, 5, 4, 3, 2, 1, 0].map(day)));
  });

  it("removes nothing while one that was changed waits for a person", () => {
    for (let age = 1; age < 10; age++) own(age);
    PLANTED["changed since it was sealed"]?.(day(0));
    expect(prune(root.path, KEEP, NOW, [OWN])).toMatchObject({
      removed: [],
      stopped: expect.stringContaining(day(0)),
    });
  });
});

describe("a weekly backup that somebody put there", () => {
  it("does not keep the daily one from being it", async () => {
    const directory = own(0);
    PLANTED.unsealed?.(backupId(new Date(NOW.getTime() + 3_600_000)), "weekly");
    const daily = read().good.find((backup) => backup.directory === directory);
    if (daily === undefined) throw new Error("no daily backup");
    expect(await promoteWhereDue(root.path, daily, [OWN], () => {})).toContain("weekly");
  });
});

describe("an unsealed backup", () => {
  it("is the stack's own while it has sealed none, also with a key", () => {
    PLANTED.unsealed?.(day(1));
    expect([ids(read([]).good), ids(read().good)]).toEqual([[day(1)], [day(1)]]);
    expect(findRestorable(root.path, "latest", undefined, [OWN]).sealed).toBe("unsealed");
  });

  it("stays its own when it is older than the first that it sealed, by its name and by its moment", () => {
    own(3);
    PLANTED.unsealed?.(day(4));
    writeExampleBackup(root.path, "daily", day(2), { cutAt: "2026-01-01T00:00:00Z" });
    writeExampleBackup(root.path, "daily", day(5), { cutAt: "2026-11-24T00:00:00Z" });
    expect(ids(read().good)).toEqual([day(4), day(3)]);
    expect(ids(read().foreign)).toEqual([day(5), day(2)]);
  });

  it("is nobody's as soon as a sealed one shows that there were seals, a suspect too", () => {
    writeExampleBackup(root.path, "daily", day(2), { result: "suspect", reasons: ["x"] }, OWN);
    PLANTED.unsealed?.(day(1));
    expect(ids(read().foreign)).toEqual([day(1)]);
  });

  it("is no reason to delete the data of a stack that seals", async () => {
    const manifest = exampleManifest({
      secretFiles: { seal_key: path.join(root.path, "seal_key") },
      backup: {
        root: root.path,
        keep: KEEP,
        format: "custom",
        maxDropShare: 0.2,
        recipients: [],
        hourlyFiles: false,
      },
    });
    writeFileSync(path.join(root.path, "seal_key"), "k".repeat(43));
    PLANTED.unsealed?.(day(1));
    const stack = new DeployedStack(manifest, root.path);
    await expect(requireVerifiedBackup({ stack, live: 1, report: () => {} })).rejects.toThrow(
      `not deleted without a verified backup: ${day(1)} is unsealed`,
    );
  });
});

describe("a root in which there are foreign backups alone, as on a new machine without the old key", () => {
  it("gives the newest as `latest`, which then asks to be trusted, and is what the next is compared with", () => {
    for (const age of [2, 1]) PLANTED["sealed by another stack"]?.(day(age));
    expect(findRestorable(root.path, "latest", undefined, [OWN])).toMatchObject({
      id: day(1),
      sealed: "another",
    });
    expect(lastGood(read())?.id).toBe(day(1));
  });

  it("has none that is foreign once the key is known that sealed them", () => {
    for (const age of [2, 1]) PLANTED["sealed by another stack"]?.(day(age));
    own(0);
    expect(read([OWN, OTHER])).toMatchObject({
      good: [{ id: day(2) }, { id: day(1) }, { id: day(0) }],
      foreign: [],
    });
  });
});

it("a suspect that somebody else put there is none of the stack's own when it is accepted", () => {
  own(1);
  writeExampleBackup(root.path, "daily", day(0), { result: "suspect", reasons: ["x"] });
  expect(accept(root.path, day(0), [OWN]).directory).toBe(layout.backup(root.path, "daily", day(0)));
  expect(ids(read().foreign)).toEqual([day(0)]);
});
