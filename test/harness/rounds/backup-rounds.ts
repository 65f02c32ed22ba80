import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { FILES, layout, type Tier } from "../../../ops/backup/format/layout.ts";
import { type Backup, readCatalogue } from "../../../ops/backup/keep/catalogue.ts";
import { sealKeysOf } from "../../../ops/backup/seal-keys.ts";
import type { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { mem0 } from "../support/mem0-run.ts";
import { seededRandom } from "../support/random.ts";
import { SteadyWriter } from "../support/steady-writer.ts";
import { type Blow, type Hits, struck } from "./blow.ts";
import type { Given } from "./options.ts";

export interface BackupRounds extends Given {
  blow: Blow;
  report: (line: string) => void;
}

/** What must hold after every blow; the first that does not ends the rounds. */
export class Broken extends Error {}

/** How many of the rounds are daily, which stop Neo4j. */
const DAILY_SHARE = 0.3;

/**
 * Strikes `./mem0 backup` at a random moment, again and again, while somebody writes. After each blow: nothing bad is
 * listed as good, nothing that was acknowledged is lost, writing goes on, and the next run is clean.
 *
 * @returns how many blows hit a running backup
 */
export async function backupRounds(options: BackupRounds): Promise<Hits> {
  const { stack, rounds, seed, report } = options;
  const random = seededRandom(seed);
  const writer = new SteadyWriter(stack, "rounds");
  const times: Partial<Record<Tier, number>> = {};
  const hits: Hits = { struck: 0, finished: 0 };
  await writer.write();
  for (const tier of ["hourly", "daily"] as const) {
    const started = performance.now();
    await cleanRun(options, tier);
    times[tier] = performance.now() - started;
  }
  for (let round = 1; round <= rounds; round += 1) {
    const tier: Tier = random() < DAILY_SHARE ? "daily" : "hourly";
    const moment = random() * (times[tier] ?? 0);
    const before = goodIds(stack);
    const wasStruck = await strikeAt(options, tier, moment, writer);
    hits[wasStruck ? "struck" : "finished"] += 1;
    await checkRound(options, before, writer);
    report(
      `round ${round} of ${rounds}: ${tier} ${wasStruck ? options.blow.word : "had finished"} at ${(moment / 1000).toFixed(2)} s, all well`,
    );
  }
  return hits;
}

async function strikeAt(
  { stack, stateHome, blow }: BackupRounds,
  tier: Tier,
  moment: number,
  writer: SteadyWriter,
): Promise<boolean> {
  const stop = new AbortController();
  const writing = writer.writeUntil(stop.signal);
  try {
    return await struck(blow, stateHome, backup(stack, tier), moment);
  } finally {
    stop.abort();
    await writing;
  }
}

async function checkRound(options: BackupRounds, before: string[], writer: SteadyWriter): Promise<void> {
  const { stack } = options;
  const { root } = stack.backup;
  await options.blow.healed(options);
  const catalogue = readCatalogue(root, sealKeysOf(stack));
  must(catalogue.damaged.length === 0, `listed as damaged: ${JSON.stringify(catalogue.damaged)}`);
  must(catalogue.suspects.length === 0, "a backup was taken for suspect although all data is there");
  for (const [tier, id] of newestIds(before)) {
    const newest = newestIds(goodIds(stack)).get(tier) ?? "";
    must(newest >= id, `the good ${tier} backup ${id} is gone, and there is none after it`);
  }
  for (const backup of catalogue.good.filter(({ id, tier }) => !before.includes(`${tier} ${id}`)))
    await checkSums(backup);
  await writer.write();
  await cleanRun(options, "hourly");
  must((await writer.lost()) === 0, "a write that was acknowledged is lost");
}

/** A run that nobody disturbs: good, and nothing of those before it is left. */
async function cleanRun(options: BackupRounds, tier: Tier): Promise<void> {
  const { stack, stateHome } = options;
  const run = await mem0(stateHome, backup(stack, tier));
  must(run.exitCode === 0, `the next run ended with ${run.exitCode}: ${run.all}`);
  const partial = layout.partial(stack.backup.root);
  must(readdirSync(partial).length === 0, `unfinished work is left: ${readdirSync(partial).join(", ")}`);
  const filter = ["--all", "--quiet", "--filter", `name=mem0_backup_.*_${stack.name}`];
  must((await execa("docker", ["ps", ...filter])).stdout === "", "a container of a dead run is left");
  const { stdout } = await execa("docker", [
    "inspect",
    "--format",
    "{{.State.Running}}",
    stack.container("neo4j"),
  ]);
  must(stdout === "true", "Neo4j does not run");
}

/** Every file as SHA256SUMS says. */
async function checkSums({ directory }: Backup): Promise<void> {
  for (const line of readFileSync(path.join(directory, FILES.checksums), "utf8").trim().split("\n")) {
    const [wanted, file = ""] = line.split("  ");
    const hash = createHash("sha256");
    for await (const piece of createReadStream(path.join(directory, file))) hash.update(piece as Buffer);
    must(hash.digest("hex") === wanted, `${file} in ${directory} is not as it was written`);
  }
}

function backup({ name }: DeployedStack, tier: Tier): string[] {
  return ["backup", name, "--tier", tier];
}

function goodIds(stack: DeployedStack): string[] {
  return readCatalogue(stack.backup.root, sealKeysOf(stack)).good.map(({ id, tier }) => `${tier} ${id}`);
}

/** The newest id of each tier; what is older may be removed by a run that is good. */
function newestIds(ids: string[]): Map<string, string> {
  return new Map([...ids].sort().map((entry) => entry.split(" ") as [string, string]));
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what);
}
