import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  parseBackupManifest,
  renderBackupManifest,
  SOURCES,
} from "../../../../../ops/backup/format/backup-manifest.ts";
import { backupId, FILES, layout, timeOf } from "../../../../../ops/backup/format/layout.ts";
import { newestGood, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import {
  exampleContent,
  forgeManifest,
  writeExampleBackup,
} from "../../../../harness/support/backup-directory.ts";
import { leaveFinderFiles } from "../../../../harness/support/finder.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const ID = "20261124_023000";

/** `parts.0.file` as the way to it. */
const keysOf = (field: string) => field.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key));

describe("a backup's name", () => {
  it("is its time in UTC, and nothing else is one", () => {
    expect(backupId(new Date("2026-11-24T02:30:00.999Z"))).toBe(ID);
    expect(timeOf(ID)?.toISOString()).toBe("2026-11-24T02:30:00.000Z");
    for (const other of ["20261131_000000", "20261124-023000", "20261124_246000", "x"]) {
      expect(timeOf(other), other).toBeUndefined();
    }
  });
});

describe("a backup's manifest", () => {
  it("reads as it was written", () => {
    const content = exampleContent(ID, "daily");
    const { seal, ...rest } = parseBackupManifest(renderBackupManifest(content));
    expect(rest).toEqual(content);
    expect(seal).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(SOURCES)("has parts of %s", (source) => {
    const part = {
      source,
      name: source,
      file: `${source}/all`,
      format: "json" as const,
      bytes: 1,
      seconds: 1,
    };
    const text = renderBackupManifest(exampleContent(ID, "daily", { parts: [part] }));
    expect(parseBackupManifest(text).parts).toEqual([part]);
  });

  it("with a key that only a later version knows is read, and keeps the key when it is written again", () => {
    const { version, ...rest } = exampleContent(ID, "daily");
    const read = parseBackupManifest(forgeManifest({ version, compression: "xz", ...rest }));
    expect(read).toMatchObject(rest);
    const { seal: _, ...content } = read;
    expect(parseBackupManifest(renderBackupManifest(content))).toMatchObject({ compression: "xz" });
  });

  it("of a later version is no damaged one, and is not to be thrown away", () => {
    const text = forgeManifest({ ...exampleContent(ID, "daily"), version: 2 });
    expect(() => parseBackupManifest(text)).toThrow(/whole, and of version 2.* do not discard it/);
  });

  it.each<[string, Record<string, unknown>]>([
    ["stack", { stack: 'test"; rm' }],
    ["collection", { collection: "memories'; DROP TABLE x --" }],
    ["collection", { collection: ["memories"] }],
    ["identity.instanceId", { identity: { instanceId: "a\\'b", embedder: "e", dimensions: 3 } }],
    ["identity.instanceId", { identity: { instanceId: ["i-1"], embedder: "e", dimensions: 3 } }],
    ["identity.embedder", { identity: { instanceId: "i-1", embedder: "e\u001b[2J", dimensions: 3 } }],
    ["identity.dimensions", { identity: { instanceId: "i-1", embedder: "e", dimensions: 1e300 } }],
    ["counts.memories", { counts: { ...exampleContent(ID, "daily").counts, memories: Number.NaN } }],
    ["counts.nodes", { counts: { ...exampleContent(ID, "daily").counts, nodes: -1 } }],
    ["counts.users", { counts: { ...exampleContent(ID, "daily").counts, users: "3" } }],
    ["versions.postgres", { versions: { postgres: "17\n", pgvector: "", neo4j: "" } }],
    ["cutAt", { cutAt: "yesterday" }],
    ["tier", { tier: "../daily" }],
    ["id", { id: "../20261124_023000" }],
    ["encryption.recipients", { encryption: { recipients: [] } }],
  ])("whose %s is of no kind that a backup has is refused by its name, whoever sealed it", (field, other) => {
    const directory = writeExampleBackup(scratch.path, "daily", ID);
    const file = path.join(directory, FILES.manifest);
    writeFileSync(file, forgeManifest({ ...exampleContent(ID, "daily"), ...other }));
    const [damaged] = readCatalogue(scratch.path, []).damaged;
    expect(damaged?.reason).toMatch(new RegExp(`^manifest.json is damaged: ${field}: `));
  });

  const part = (other: object) => ({
    source: "neo4j",
    name: "neo4j",
    file: "neo4j/neo4j.dump",
    format: "neo4j-dump",
    bytes: 1,
    seconds: 0,
    ...other,
  });
  it.each([
    ["a file above the backup", "parts.0.file", [part({ file: "neo4j/.." })]],
    ["an absolute file", "parts.0.file", [part({ file: "/etc/passwd" })]],
    ["a file in another source's directory", "parts.0.file", [part({ file: "postgres/x" })]],
    ["a file twice", "parts", [part({}), part({})]],
    ["a database that is an option", "parts.0.name", [part({ name: "--from-path=/" })]],
    ["a database that is no store's", "parts.0.name", [part({ name: "other" })]],
    ["a size that is no number", "parts.0.bytes", [part({ bytes: "1" })]],
    ["a format that nobody reads", "parts.0.format", [part({ format: "sh" })]],
    [
      "more parts than any backup has",
      "parts",
      Array.from({ length: 99 }, (_, n) => part({ file: `neo4j/${n}` })),
    ],
  ])("that names %s is refused by the part's place", (_, field, parts) => {
    const text = forgeManifest({ ...exampleContent(ID, "daily"), parts });
    expect(() => parseBackupManifest(text)).toThrow(
      expect.objectContaining({
        issues: expect.arrayContaining([expect.objectContaining({ path: keysOf(field) })]),
      }),
    );
  });

  it("is refused when any single bit of it is another", () => {
    const text = Buffer.from(renderBackupManifest(exampleContent(ID, "daily")));
    for (let bit = 0; bit < text.length * 8; bit += 1) {
      const flipped = Buffer.from(text);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => parseBackupManifest(flipped.toString("utf8")), `bit ${bit}`).toThrow();
    }
  });
});

describe("the catalogue of a backup root", () => {
  it("lists good and suspect backups, the oldest first, with pins and sizes", () => {
    writeExampleBackup(scratch.path, "hourly", "20261124_030000");
    const pinned = writeExampleBackup(scratch.path, "daily", ID);
    writeFileSync(path.join(pinned, FILES.pin), "before the move\n");
    writeExampleBackup(scratch.path, "hourly", "20261124_040000", { result: "suspect", reasons: ["empty"] });
    const found = readCatalogue(scratch.path, []);
    expect(found.good.map(({ id, tier, pin, bytes }) => ({ id, tier, pin, bytes }))).toEqual([
      { id: ID, tier: "daily", pin: "before the move", bytes: 30 },
      { id: "20261124_030000", tier: "hourly", pin: undefined, bytes: 30 },
    ]);
    expect(found.suspects.map(({ id }) => id)).toEqual(["20261124_040000"]);
    expect(found.damaged).toEqual([]);
    expect(newestGood(found)?.id).toBe("20261124_030000");
    expect(newestGood(found, ({ tier }) => tier === "daily")?.id).toBe(ID);
    expect(newestGood(found, ({ tier }) => tier === "weekly")).toBeUndefined();
  });

  it.each<[string, (directory: string) => void, string, string]>([
    [
      "without its manifest",
      (d) => rmSync(path.join(d, FILES.manifest)),
      "no-manifest",
      "manifest.json is missing",
    ],
    [
      "with half a manifest",
      (d) => truncateSync(path.join(d, FILES.manifest), 100),
      "manifest",
      "manifest.json is damaged: it is not JSON",
    ],
    [
      "with an edited manifest",
      (d) => {
        const file = path.join(d, FILES.manifest);
        writeFileSync(file, readFileSync(file, "utf8").replace('"memories": 100', '"memories": 101'));
      },
      "manifest",
      "manifest.json is damaged: its seal does not fit its content",
    ],
    ["without checksums", (d) => rmSync(path.join(d, FILES.checksums)), "checksums", "SHA256SUMS is missing"],
    [
      "with other checksums",
      (d) => writeFileSync(path.join(d, FILES.checksums), ""),
      "checksums",
      "SHA256SUMS is not as it was written",
    ],
    [
      "without a part",
      (d) => rmSync(path.join(d, "postgres", `mem0_${ID}.dump`)),
      "part",
      `postgres/mem0_${ID}.dump is missing`,
    ],
    [
      "with a part cut short",
      (d) => truncateSync(path.join(d, "postgres", `mem0_${ID}.dump`), 3),
      "part",
      `postgres/mem0_${ID}.dump has 3 bytes, not 23`,
    ],
  ])("tells that a backup %s is damaged, and how", (_, damage, kind, reason) => {
    damage(writeExampleBackup(scratch.path, "daily", ID));
    const found = readCatalogue(scratch.path, []);
    expect(found.good).toEqual([]);
    expect(found.damaged).toMatchObject([{ id: ID, kind, reason }]);
  });

  it("does not take a suspect one for good because somebody moved it, nor one under another name", () => {
    const suspect = exampleContent(ID, "daily", { result: "suspect", reasons: ["empty"] });
    const directory = writeExampleBackup(scratch.path, "daily", ID);
    writeFileSync(path.join(directory, FILES.manifest), renderBackupManifest(suspect));
    const other = writeExampleBackup(scratch.path, "daily", "20261125_023000");
    writeFileSync(path.join(other, FILES.manifest), renderBackupManifest(exampleContent(ID, "daily")));
    expect(readCatalogue(scratch.path, []).damaged.map(({ reason }) => reason)).toEqual([
      "manifest.json says that the backup is suspect",
      "manifest.json is of daily 20261124_023000",
    ]);
  });

  it("names unfinished work, which is no backup", () => {
    mkdirSync(path.join(layout.partial(scratch.path), "daily-20261124_023000"), { recursive: true });
    const found = readCatalogue(scratch.path, []);
    expect([found.good, found.damaged]).toEqual([[], []]);
    expect(found.unfinished).toEqual([path.join(scratch.path, ".partial", "daily-20261124_023000")]);
  });

  it("holds nothing of what the Finder leaves in a root, nor files between its directories", () => {
    writeExampleBackup(scratch.path, "daily", ID);
    mkdirSync(layout.partial(scratch.path), { recursive: true });
    const directories = ["", ".partial", "daily", `daily/${ID}`, `daily/${ID}/postgres`];
    for (const directory of directories) leaveFinderFiles(path.join(scratch.path, directory));
    writeFileSync(layout.backup(scratch.path, "daily", "20261125_023000"), "a file");
    const found = readCatalogue(scratch.path, []);
    expect(found.good.map(({ id }) => id)).toEqual([ID]);
    expect([found.suspects, found.damaged, found.unfinished]).toEqual([[], [], []]);
  });

  it("of a root that is not there is empty", () => {
    expect(readCatalogue(path.join(scratch.path, "nowhere"), []).good).toEqual([]);
  });
});

describe("a link below a backup root", () => {
  const OLD = "20261123_023000";
  /** A backup outside of the root, and a root with one of its own. */
  const places = () => {
    const theirs = writeExampleBackup(path.join(scratch.path, "theirs"), "daily", OLD);
    const root = path.join(scratch.path, "root");
    return { theirs, root, own: writeExampleBackup(root, "daily", ID) };
  };

  it.each([
    ["a tier", (root: string) => layout.tier(root, "weekly")],
    ["suspect backups", (root: string) => path.dirname(layout.suspects(root, "weekly"))],
    ["unfinished work", (root: string) => layout.partial(root)],
  ])("in the place of %s is refused, and nothing there is listed", (_, place) => {
    const { theirs, root } = places();
    symlinkSync(path.dirname(theirs), place(root));
    const refused = `${path.basename(place(root))} is a symbolic link, which is not followed`;
    expect(() => readCatalogue(root, [])).toThrow(refused);
  });

  it("in the place of a backup is listed as none of ours", () => {
    const { theirs, root } = places();
    symlinkSync(theirs, layout.backup(root, "daily", OLD));
    const { good, damaged } = readCatalogue(root, []);
    expect(good.map(({ id }) => id)).toEqual([ID]);
    expect(damaged).toMatchObject([
      { kind: "no-manifest", reason: expect.stringContaining("symbolic link") },
    ]);
  });

  it.each([
    ["the manifest", FILES.manifest, "no-manifest"],
    ["the checksums", FILES.checksums, "part"],
    ["a part", `postgres/mem0_${ID}.dump`, "part"],
    ["a store's directory", "postgres", "part"],
    ["the pin", FILES.pin, "part"],
  ])("in the place of %s makes no whole backup", (_, name, kind) => {
    const { root, own } = places();
    const aside = path.join(scratch.path, "aside");
    if (name === FILES.pin) writeFileSync(path.join(own, name), "mine\n");
    renameSync(path.join(own, name), aside);
    symlinkSync(aside, path.join(own, name));
    const { good, damaged } = readCatalogue(root, []);
    expect(good).toEqual([]);
    expect(damaged).toMatchObject([{ kind, reason: expect.stringContaining("is a symbolic link") }]);
  });
});
