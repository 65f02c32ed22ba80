import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import type { Manifest } from "../../config/manifest.ts";
import { readJournal } from "../../ops/backup/restore/journal.ts";
import { RESTORED, type RestoredStore } from "../../ops/backup/restore/swap.ts";
import { connectNeo4j, connectPostgres, containerOf, stateDirOf } from "../../ops/backup/stack-access.ts";
import { execInContainer, withDocker } from "../../ops/docker.ts";
import { readManifest } from "../../ops/manifest.ts";
import { CHECKOUT, stateHome } from "../../toolchain/layout.ts";
import { type StackContent, stackContent } from "../support/stack-content.ts";

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Rounds {
  stateHome: string;
  stack: string;
  rounds: number;
  seed: number;
  /** The one store that is restored; all of them when left out. */
  only?: RestoredStore | undefined;
  /** Path of the age identity file, where backups are encrypted. */
  identity?: string | undefined;
  say: (line: string) => void;
}

interface Ended {
  exitCode: number;
  output: string;
}

/**
 * Restores the newest backup of a stack again and again, kills the command with SIGKILL at a random moment, and asks
 * for what is promised: what was live serves, or one command away it or the restored data does, whole and nothing else.
 *
 * @throws Error that tells the round, when it is not so
 */
export async function killRounds(options: Rounds): Promise<void> {
  const { stateHome: home, stack, rounds, seed, only, identity, say } = options;
  const manifest = readManifest(home, stack);
  const random = seeded(seed);
  const mem0 = (...args: string[]) => runMem0(home, args);
  const made = await mem0("backup", stack, "--tier", "hourly", "--json");
  if (made.exitCode !== 0) throw new Error(`no backup to restore: ${made.output}`);
  const id = /"id": "(\d{8}_\d{6})"/.exec(made.output)?.[1] ?? "";
  const inBackup = await stackContent(manifest);
  await change(manifest, "first");
  const first = await stackContent(manifest);
  const started = performance.now();
  const opened = identity === undefined ? [] : ["--identity", identity];
  const command = ["restore", id, "--stack", stack, "--no-safety-backup", ...opened];
  if (only !== undefined) command.push("--only", only);
  /** What serves when the restore has ended on a stack that held `live`. */
  const restored = (live: StackContent) =>
    only === undefined ? inBackup : { ...live, [only]: inBackup[only] };
  const whole = await mem0(...command);
  if (whole.exitCode !== 0) throw new Error(`restoring without a kill fails: ${whole.output}`);
  const length = performance.now() - started;
  same("without a kill", await stackContent(manifest), restored(first));
  say(`a restore that is not killed takes ${(length / 1000).toFixed(1)} s`);
  await mem0("restore", "--finish", "--stack", stack);

  for (let round = 1; round <= rounds; round++) {
    await change(manifest, `round ${round}`);
    const live = await stackContent(manifest);
    const killAfter = Math.round(random() * length * 1.05);
    const goOn = random() < 0.5;
    const killed = await killedMem0(home, command, killAfter);
    const phase = readJournal(stateDirOf(manifest))?.phase ?? "none";
    const where = `round ${round} (killed after ${killAfter} ms, in phase ${phase})`;
    if (phase === "none" || phase === "preparing" || phase === "undone") {
      same(`${where}: what was live serves`, await stackContent(manifest), live);
    }
    const wish = phase === "none" ? undefined : phase === "done" || !goOn ? "--roll-back" : "--continue";
    if (wish !== undefined) {
      const ended = await mem0("restore", wish, "--stack", stack, ...opened);
      if (ended.exitCode !== 0) throw new Error(`${where}: restore ${wish} fails: ${ended.output}`);
    }
    const expected = wish === "--continue" ? restored(live) : live;
    same(`${where}, then ${wish ?? "nothing"}`, await stackContent(manifest), expected);
    if (readJournal(stateDirOf(manifest)) !== undefined) await mem0("restore", "--finish", "--stack", stack);
    await nothingLeft(manifest, where);
    say(
      `${where}${killed ? "" : ", which had ended"}: ${wish ?? "no command needed"}, ${wish === "--continue" ? "the backup" : "what was live"} serves, nothing is left over`,
    );
  }
}

/** A change of every store, so that what is live can be told from what is in the backup. */
async function change(manifest: Manifest, mark: string): Promise<void> {
  const client = await connectPostgres(manifest);
  await client.query(
    `UPDATE "${manifest.database.collection}" SET payload = payload || jsonb_build_object('mark', $1::text)
     WHERE id = (SELECT min(id::text)::uuid FROM "${manifest.database.collection}")`,
    [mark],
  );
  await client.end();
  const driver = connectNeo4j(manifest);
  await driver.executeQuery("MERGE (m:Mark) SET m.of = $mark", { mark });
  await driver.close();
  const script =
    "import sqlite3, sys; db = sqlite3.connect('/data/history.db'); " +
    "db.execute('INSERT OR REPLACE INTO history (id, memory_id, new_memory) VALUES (?, ?, ?)', ('mark', 'mark', sys.argv[1])); db.commit()";
  await withDocker(manifest.dockerHost, (docker) =>
    execInContainer(docker, containerOf(manifest, "server"), ["python3", "-c", script, mark]),
  );
}

/** Where the services that keep files have them. */
const DATA = { postgres: "/var/lib/postgresql/data", neo4j: "/data", server: "/data" };

/** No database, directory, file, container or volume beside those of the stack. */
async function nothingLeft(manifest: Manifest, where: string): Promise<void> {
  const client = await connectPostgres(manifest);
  const { rows } = await client.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname LIKE '%\\_20%'",
  );
  await client.end();
  const left = rows.map(({ datname }) => datname);
  await withDocker(manifest.dockerHost, async (docker) => {
    for (const [service, data] of Object.entries(DATA)) {
      const { stdout } = await execInContainer(docker, containerOf(manifest, service), ["ls", "-A", data]);
      left.push(...stdout.split("\n").filter((name) => /_(restore|before)_/.test(name)));
    }
    const filters = { label: ["mem0.throwaway"] };
    const ours = ({ Labels }: { Labels: Record<string, string> }) =>
      Labels["mem0.throwaway"]?.startsWith(`${manifest.homeId}/${manifest.stack}/`);
    const containers = (await docker.listContainers({ all: true, filters })).filter(ours);
    const volumes = ((await docker.listVolumes({ filters })).Volumes ?? []).filter(ours);
    left.push(...containers.map(({ Names }) => Names.join()), ...volumes.map(({ Name }) => Name));
  });
  if (left.length > 0) throw new Error(`${where}: left over are ${left.join(", ")}`);
}

function same(what: string, found: StackContent, wanted: StackContent): void {
  for (const store of ["postgres", "neo4j", "history"] as const) {
    if (found[store] !== wanted[store]) throw new Error(`${what}: ${store} is not as it should be`);
  }
}

async function runMem0(home: string, args: readonly string[]): Promise<Ended> {
  const { exitCode, all } = await execa(process.execPath, mem0Arguments(args), {
    env: { MEM0_HOME: home },
    reject: false,
    all: true,
  });
  return { exitCode: exitCode ?? -1, output: all };
}

/** Runs a command and kills it after a while; false when it had ended by then. */
async function killedMem0(home: string, args: readonly string[], afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, mem0Arguments(args), {
    env: { ...process.env, MEM0_HOME: home },
    stdio: "ignore",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(timer);
  return signal === "SIGKILL";
}

function mem0Arguments(args: readonly string[]): string[] {
  return ["--disable-warning=ExperimentalWarning", path.join(CHECKOUT, "scripts", "mem0.ts"), ...args];
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      stack: { type: "string", default: "test" },
      only: { type: "string" },
      identity: { type: "string" },
    },
  });
  console.log(`seed ${values.seed}`);
  await killRounds({
    stateHome: stateHome(),
    stack: values.stack,
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    only: RESTORED.find((store) => store === values.only),
    identity: values.identity,
    say: (line) => console.log(line),
  });
  console.log(`${values.rounds} rounds: never anything but what was live or what was in the backup`);
}
