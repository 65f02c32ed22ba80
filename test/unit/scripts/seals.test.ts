import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FILES } from "../../../ops/backup/format/layout.ts";
import { ensureRoot } from "../../../ops/backup/keep/root.ts";
import { ExitCode } from "../../../ops/base/exit-codes.ts";
import type { Problem } from "../../../ops/base/problem.ts";
import { run } from "../../../scripts/cli/program.ts";
import { exampleSealKey, forgeManifest, writeExampleBackup } from "../../harness/support/backup-directory.ts";
import { exampleManifest } from "../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const [OWN, OTHERS, UNSEALED, CHANGED] = [
  "20261121_023000",
  "20261122_023000",
  "20261123_023000",
  "20261124_023000",
];

let printed = "";
let root = "";
beforeEach(() => {
  printed = "";
  root = path.join(scratch.path, "backups");
  vi.stubEnv("MEM0_HOME", path.join(scratch.path, "home"));
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  }
  deployWithoutEngine();
  writeExampleBackup(root, "daily", OWN, {}, exampleSealKey());
  writeExampleBackup(root, "daily", OTHERS, {}, exampleSealKey("o"));
  writeExampleBackup(root, "daily", UNSEALED);
  const file = path.join(writeExampleBackup(root, "daily", CHANGED, {}, exampleSealKey()), FILES.manifest);
  const { seal: _, ...content } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  writeFileSync(file, forgeManifest({ ...content, collection: "theirs" }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** Stack test as it was deployed, with a seal key and a backup root, on an engine that has gone. */
function deployWithoutEngine(): void {
  const directory = path.join(scratch.path, "home", "stacks", "test");
  const keyFile = path.join(directory, "secrets", "seal_key");
  mkdirSync(path.dirname(keyFile), { recursive: true });
  writeFileSync(keyFile, "k".repeat(43));
  writeFileSync(path.join(scratch.path, "old-key"), "o".repeat(43));
  const manifest = exampleManifest({
    dockerHost: `unix://${path.join(scratch.path, "no-engine.sock")}`,
    services: Object.fromEntries(
      ["postgres", "neo4j", "server"].map((name) => [
        name,
        { container: name, image: "sha256:0", ports: {} },
      ]),
    ),
    secretFiles: { seal_key: keyFile },
    backup: {
      root,
      keep: { hourly: 24, daily: 7, weekly: 4, monthly: 12 },
      format: "custom",
      maxDropShare: 0.2,
      recipients: [],
      hourlyFiles: false,
    },
  });
  writeFileSync(path.join(directory, "manifest.json"), JSON.stringify(manifest));
  ensureRoot(root, { stack: "test", instanceId: manifest.instanceId, stateDir: directory });
}

const refusal = (...words: string[]) =>
  run(words).then(
    () => undefined,
    (error: Problem) => error,
  );
const ENGINE = /Docker engine does not answer/;

describe.each(["restore", "drill"])("./mem0 %s", (verb) => {
  it.each([
    [OTHERS, /sealed with a key that is not stack test's/],
    [UNSEALED, /bears no seal/],
    [CHANGED, /was CHANGED after stack test sealed it/],
  ])("loads nothing of %s before a person answers for it", async (id, why) => {
    const refused = await refusal(verb, id, "--stack", "test");
    expect(refused?.message).toMatch(why);
    expect(refused?.mend).toContain("--trust");
    expect(refused?.exitCode).toBe(ExitCode.failed);
    expect((await refusal(verb, id, "--stack", "test", "--trust"))?.message).toMatch(ENGINE);
  });

  it("goes on with the stack's own, and with what a key sealed that is taken over", async () => {
    const oldKey = path.join(scratch.path, "old-key");
    expect((await refusal(verb, OWN, "--stack", "test"))?.message).toMatch(ENGINE);
    expect((await refusal(verb, OTHERS, "--stack", "test", "--seal-key", oldKey))?.message).toMatch(ENGINE);
    expect((await refusal(verb, CHANGED, "--stack", "test", "--seal-key", oldKey))?.message).toMatch(
      /CHANGED/,
    );
  });
});

describe("./mem0 backups", () => {
  it("tells who sealed each", async () => {
    await run(["backups", "test", "--json"]);
    const { backups } = JSON.parse(printed) as { backups: { id: string; sealed: string }[] };
    expect(Object.fromEntries(backups.map(({ id, sealed }) => [id, sealed]))).toEqual({
      [OWN]: "this-stack",
      [OTHERS]: "another",
      [UNSEALED]: "unsealed",
      [CHANGED]: "changed",
    });
    printed = "";
    await run(["backups", "test"]);
    expect(printed).toMatch(new RegExp(`^${CHANGED} .*; changed since it was sealed$`, "m"));
    expect(printed).not.toMatch(new RegExp(`^${OWN} .*seal`, "m"));
  });
});
