import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  type BackupContent,
  readManifestSeal,
  renderBackupManifest,
} from "../../../../../ops/backup/format/backup-manifest.ts";
import { FILES } from "../../../../../ops/backup/format/layout.ts";
import { SEAL_WORDS, SealKey, type SealState, sealState } from "../../../../../ops/backup/format/seal.ts";
import { isWhole, readBackup, readCatalogue } from "../../../../../ops/backup/keep/catalogue.ts";
import { copyTo } from "../../../../../ops/backup/keep/copy-elsewhere.ts";
import { accept } from "../../../../../ops/backup/keep/keeping.ts";
import { type VerifyTools, verifyBackup } from "../../../../../ops/backup/prove/verify.ts";
import { findRestorable } from "../../../../../ops/backup/restore/restorable.ts";
import { whyNotFiles } from "../../../../../ops/backup/stores/postgres/restore-files.ts";
import { requireTrusted } from "../../../../../ops/backup/trust.ts";
import { DeployedStack } from "../../../../../ops/stack/deployed-stack.ts";
import {
  exampleContent,
  exampleSealKey,
  writeExampleBackup,
} from "../../../../harness/support/backup-directory.ts";
import { exampleManifest } from "../../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const root = scratchDirectory();
const ID = "20261124_023000";
const OWN = exampleSealKey();
const OTHER = exampleSealKey("o");

/** A backup of this stack, and its manifest as somebody writes it who knows all but the key. */
function forged(change: (manifest: BackupContent) => BackupContent): string {
  const directory = writeExampleBackup(root.path, "daily", ID, {}, OWN);
  const file = path.join(directory, FILES.manifest);
  const { seal: _, ...content } = JSON.parse(readFileSync(file, "utf8")) as BackupContent & { seal: string };
  writeFileSync(file, renderBackupManifest(change(content)));
  return directory;
}

function stateOf(directory: string, keys = [OWN]): SealState {
  const found = readBackup({ id: ID, tier: "daily", directory, suspect: false }, keys);
  if (!isWhole(found)) throw new Error(found.reason);
  return found.sealed;
}

describe("the seal of a backup", () => {
  it("tells that this stack made it, or another, or that it is from before there were seals", () => {
    expect(stateOf(writeExampleBackup(root.path, "daily", ID, {}, OWN))).toBe("this-stack");
    expect(stateOf(writeExampleBackup(root.path, "daily", ID, {}, OTHER))).toBe("another");
    expect(stateOf(writeExampleBackup(root.path, "daily", ID))).toBe("unsealed");
    expect(stateOf(writeExampleBackup(root.path, "daily", ID, {}, OTHER), [OWN, OTHER]), "taken over").toBe(
      "this-stack",
    );
    expect(stateOf(writeExampleBackup(root.path, "daily", ID, {}, OWN), []), "no key at hand").toBe(
      "another",
    );
  });

  it.each<[string, SealState, (manifest: BackupContent) => BackupContent]>([
    ["one character is another", "changed", (one) => ({ ...one, collection: "memorieS" })],
    ["the checksum of all parts is another", "changed", (one) => ({ ...one, reasons: ["x"] })],
    ["a field is added", "changed", (one) => ({ ...one, hook: "rm" }) as BackupContent],
    ["a count is another", "changed", (one) => withOneMore(one)],
    ["the seal is that of another manifest", "changed", (one) => ({ ...one, ...sealOf("weekly") })],
    ["the seal is one of another key", "another", (one) => ({ ...one, stackSeal: OTHER.sign("{}") })],
    ["the seal is removed", "unsealed", ({ stackSeal: _, ...one }) => one],
  ])("does not fit a manifest in which %s: %s", (_, state, change) => {
    expect(stateOf(forged(change))).toBe(state);
  });

  it("covers what newer versions write, wherever in the file", () => {
    const { version, ...rest } = exampleContent(ID, "daily");
    const newer = renderBackupManifest({ version, compression: "xz", ...rest } as BackupContent, OWN);
    const moved = JSON.parse(newer) as Record<string, unknown>;
    expect(sealState(readManifestSeal(newer), [OWN])).toBe("this-stack");
    expect(sealState(readManifestSeal(JSON.stringify({ ...moved, compression: "zip" })), [OWN])).toBe(
      "changed",
    );
  });

  it("that does not fit fails verify before any container is asked", async () => {
    const directory = forged((one) => ({ ...one, collection: "theirs" }));
    const found = readBackup({ id: ID, tier: "daily", directory, suspect: false }, [OWN]);
    if (!isWhole(found)) throw new Error(found.reason);
    // Nothing else is needed so far: neither containers nor an identity.
    const tools = { identity: undefined, stateDir: root.path } as unknown as VerifyTools;
    expect(await verifyBackup(found, tools)).toMatchObject({
      ok: false,
      sealed: "changed",
      checks: [
        { name: "seal", ok: false, found: "changed since it was sealed" },
        { name: "checksums", ok: true },
      ],
    });
  });

  it("of another form is damage, and no seal", () => {
    const directory = writeExampleBackup(root.path, "daily", ID, {}, OWN);
    const file = path.join(directory, FILES.manifest);
    writeFileSync(file, readFileSync(file, "utf8").replace(/"hmac": "../, '"hmac": "'));
    expect(() => stateOf(directory)).toThrow(/damaged/);
  });

  it("goes along with the copy elsewhere", async () => {
    writeExampleBackup(root.path, "daily", ID, {}, OWN);
    const [backup] = readCatalogue(root.path, [OWN]).good;
    if (backup === undefined) throw new Error("no backup");
    const second = path.join(root.path, "second");
    const owner = { stack: "test", instanceId: "i-1", stateDir: path.join(root.path, "state") };
    await copyTo({ path: second }, backup, owner);
    expect(readCatalogue(second, [OWN]).good.map(({ sealed }) => sealed)).toEqual(["this-stack"]);
  });

  it("is made anew when a suspect of this stack is accepted", () => {
    writeExampleBackup(root.path, "daily", ID, { result: "suspect", reasons: ["x"] }, OWN);
    expect(accept(root.path, ID, [OWN]).sealed).toBe("this-stack");
  });

  it.each([
    ["another", OTHER],
    ["unsealed", undefined],
  ] as const)("does not come about by accepting a suspect that is %s", (state, key) => {
    writeExampleBackup(root.path, "daily", ID, { result: "suspect", reasons: ["x"] }, key);
    expect(accept(root.path, ID, [OWN]).sealed).toBe(state);
  });
});

describe("the seal key", () => {
  it("shows nothing of itself but a short hash", () => {
    expect(inspect(OWN)).toBe(`SealKey { id: '${OWN.id}' }`);
    expect(JSON.stringify(OWN)).toBe(`{"id":"${OWN.id}"}`);
    expect(OWN.id).toMatch(/^[0-9a-f]{16}$/);
    expect(new SealKey(`${"k".repeat(43)}\n`).id, "the end of its line is no part of it").toBe(OWN.id);
  });
});

describe("a backup that this stack did not seal", () => {
  const said = (trust: boolean) => ({ stack: "test", trust });
  const found = (key?: SealKey) => {
    const directory = writeExampleBackup(root.path, "daily", ID, {}, key);
    return findRestorable(root.path, directory, undefined, [OWN]);
  };

  it("is loaded on a person's word alone, and the refusal says what to do", () => {
    expect(() => requireTrusted(found(OWN), said(false))).not.toThrow();
    for (const key of [OTHER, undefined]) {
      expect(() => requireTrusted(found(key), said(false))).toThrow(
        expect.objectContaining({
          message: expect.stringContaining("would be loaded as your own data"),
          mend: expect.stringContaining("--trust"),
        }),
      );
      expect(() => requireTrusted(found(key), said(true))).not.toThrow();
      expect(found(key).lacks.join()).toContain("taken on your word");
    }
    expect(found(OWN).lacks).toEqual([]);
  });

  it("never gives its files to a server, whoever asks for them", async () => {
    const deployed = new DeployedStack(exampleManifest(), root.path);
    const service = { env: { PG_MAJOR: "17" }, container: "none" };
    for (const { sealed } of [found(OTHER), found()]) {
      const why = await whyNotFiles(deployed, service, sealed, exampleContent(ID, "hourly"), []);
      expect(why).toContain("this stack did not seal it");
    }
  });

  it("and that was changed is refused in stronger words", () => {
    const directory = forged((one) => ({ ...one, collection: "theirs" }));
    const changed = findRestorable(root.path, directory, undefined, [OWN]);
    expect(() => requireTrusted(changed, said(false))).toThrow(/CHANGED after stack test sealed it/);
    expect(SEAL_WORDS[changed.sealed]).toBe("changed since it was sealed");
  });
});

function withOneMore(one: BackupContent): BackupContent {
  return { ...one, counts: { ...one.counts, memories: one.counts.memories + 1 } };
}

/** The seal of this stack on another backup of its own. */
function sealOf(tier: "weekly"): Pick<BackupContent, "stackSeal"> {
  const text = renderBackupManifest(exampleContent(ID, tier), OWN);
  return { stackSeal: readManifestSeal(text).by };
}
