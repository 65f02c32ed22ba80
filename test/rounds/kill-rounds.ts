import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import type { Manifest } from "../../config/manifest.ts";
import { type Backup, readCatalogue } from "../../ops/backup/catalogue.ts";
import { FILES, layout, type Tier } from "../../ops/backup/layout.ts";
import { backupSettings, containerOf } from "../../ops/backup/stack-access.ts";
import { CHECKOUT } from "../../toolchain/layout.ts";
import { seededRandom } from "../support/random.ts";
import { SteadyWriter } from "../support/steady-writer.ts";

export interface KillRounds {
  manifest: Manifest;
  /** MEM0_HOME of the stack. */
  stateHome: string;
  rounds: number;
  seed: number;
  report: (line: string) => void;
}

/** What must hold after every kill; the first that does not ends the rounds. */
export class Broken extends Error {}

/** How many of the rounds are daily, which stop Neo4j. */
const DAILY_SHARE = 0.3;

/**
 * Kills `./mem0 backup` at a random moment, again and again, while somebody writes. After each kill: nothing bad is
 * listed as good, nothing that was acknowledged is lost, writing goes on, and the next run is clean.
 *
 * @returns how many kills hit a running backup
 */
export async function backupKillRounds(options: KillRounds): Promise<{ killed: number; finished: number }> {
  const { manifest, rounds, seed, report } = options;
  const random = seededRandom(seed);
  const writer = new SteadyWriter(manifest, "rounds");
  const times: Partial<Record<Tier, number>> = {};
  const result = { killed: 0, finished: 0 };
  await writer.write();
  for (const tier of ["hourly", "daily"] as const) {
    const started = performance.now();
    await cleanRun(options, tier);
    times[tier] = performance.now() - started;
  }
  for (let round = 1; round <= rounds; round += 1) {
    const tier: Tier = random() < DAILY_SHARE ? "daily" : "hourly";
    const moment = random() * (times[tier] ?? 0);
    const before = goodIds(manifest);
    const wasKilled = await killAt(options, tier, moment, writer);
    result[wasKilled ? "killed" : "finished"] += 1;
    await checkRound(options, before, writer);
    report(
      `round ${round} of ${rounds}: ${tier} ${wasKilled ? "killed" : "had finished"} at ${(moment / 1000).toFixed(2)} s, all well`,
    );
  }
  return result;
}

async function killAt(
  options: KillRounds,
  tier: Tier,
  moment: number,
  writer: SteadyWriter,
): Promise<boolean> {
  const run = mem0(options, "backup", options.manifest.stack, "--tier", tier, "--json");
  const stop = new AbortController();
  const writing = writer.writeUntil(stop.signal);
  await Promise.race([delay(moment), run]);
  const wasKilled = run.kill("SIGKILL");
  await run;
  stop.abort();
  await writing;
  return wasKilled;
}

async function checkRound(options: KillRounds, before: string[], writer: SteadyWriter): Promise<void> {
  const { manifest } = options;
  const { root } = backupSettings(manifest);
  const catalogue = readCatalogue(root);
  must(catalogue.damaged.length === 0, `listed as damaged: ${JSON.stringify(catalogue.damaged)}`);
  must(catalogue.suspects.length === 0, "a backup was taken for suspect although all data is there");
  for (const [tier, id] of newestIds(before)) {
    const newest = newestIds(goodIds(manifest)).get(tier) ?? "";
    must(newest >= id, `the good ${tier} backup ${id} is gone, and there is none after it`);
  }
  for (const backup of catalogue.good.filter(({ id, tier }) => !before.includes(`${tier} ${id}`)))
    await checkSums(backup);
  await writer.write();
  await cleanRun(options, "hourly");
  must((await writer.lost()) === 0, "a write that was acknowledged is lost");
}

/** A run that nobody disturbs: good, and nothing of those before it is left. */
async function cleanRun(options: KillRounds, tier: Tier): Promise<void> {
  const { manifest } = options;
  const run = await mem0(options, "backup", manifest.stack, "--tier", tier, "--json");
  must(run.exitCode === 0, `the next run ended with ${run.exitCode}: ${run.stderr}`);
  const partial = layout.partial(backupSettings(manifest).root);
  must(readdirSync(partial).length === 0, `unfinished work is left: ${readdirSync(partial).join(", ")}`);
  const filter = ["--all", "--quiet", "--filter", `label=mem0.backup=${manifest.homeId}-${manifest.stack}`];
  must((await execa("docker", ["ps", ...filter])).stdout === "", "a container of a dead run is left");
  const { stdout } = await execa("docker", [
    "inspect",
    "--format",
    "{{.State.Running}}",
    containerOf(manifest, "neo4j"),
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

function mem0({ stateHome }: KillRounds, ...args: string[]) {
  return execa(process.execPath, [path.join(CHECKOUT, "scripts", "mem0.ts"), ...args], {
    env: { MEM0_HOME: stateHome },
    reject: false,
  });
}

function goodIds(manifest: Manifest): string[] {
  return readCatalogue(backupSettings(manifest).root).good.map(({ id, tier }) => `${tier} ${id}`);
}

/** The newest id of each tier; what is older may be removed by a run that is good. */
function newestIds(ids: string[]): Map<string, string> {
  return new Map([...ids].sort().map((entry) => entry.split(" ") as [string, string]));
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what);
}
