import { readJournal } from "../../../ops/backup/restore/journal.ts";
import type { RestoredStore } from "../../../ops/backup/restore/swap.ts";
import { execInContainer } from "../../../ops/docker/command.ts";
import type { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { mem0 } from "../support/mem0-run.ts";
import { seededRandom } from "../support/random.ts";
import { type StackContent, stackContent } from "../support/stack-content.ts";
import { type Blow, type Hits, struck } from "./blow.ts";
import type { Given } from "./options.ts";

export interface RestoreRounds extends Given {
  blow: Blow;
  /** The one store that is restored; all of them when left out. */
  only?: RestoredStore | undefined;
  /** Path of the age identity file, where backups are encrypted. */
  identity?: string | undefined;
  report: (line: string) => void;
}

/**
 * Restores the newest backup of a stack again and again, strikes the command at a random moment, and asks for
 * what is promised: what was live serves, or one command away it or the restored data does, whole and nothing else.
 *
 * @returns how many blows hit a running restore
 * @throws Error that tells the round, when it is not so
 */
export async function restoreRounds(options: RestoreRounds): Promise<Hits> {
  const { stack, stateHome: home, rounds, seed, blow, only, identity, report } = options;
  const { name, directory } = stack;
  const random = seededRandom(seed);
  const hits: Hits = { struck: 0, finished: 0 };
  const verb = (...args: string[]) => mem0(home, args);
  const made = await verb("backup", name, "--tier", "hourly", "--json");
  if (made.exitCode !== 0) throw new Error(`no backup to restore: ${made.all}`);
  const id = /"id": "(\d{8}_\d{6})"/.exec(made.all)?.[1] ?? "";
  const inBackup = await stackContent(stack);
  await change(stack, "first");
  const first = await stackContent(stack);
  const started = performance.now();
  const opened = identity === undefined ? [] : ["--identity", identity];
  const command = ["restore", id, "--stack", name, "--no-safety-backup", ...opened];
  if (only !== undefined) command.push("--only", only);
  /** What serves when the restore has ended on a stack that held `live`. */
  const restored = (live: StackContent) =>
    only === undefined ? inBackup : { ...live, [only]: inBackup[only] };
  const whole = await verb(...command);
  if (whole.exitCode !== 0) throw new Error(`restoring without a blow fails: ${whole.all}`);
  const length = performance.now() - started;
  same("without a blow", await stackContent(stack), restored(first));
  report(`a restore that nothing strikes takes ${(length / 1000).toFixed(1)} s`);
  const back = await verb("restore", "--roll-back", "--stack", name);
  if (back.exitCode !== 0) throw new Error(`rolling back a restore that has ended fails: ${back.all}`);
  same("rolled back without a blow", await stackContent(stack), first);
  await verb("restore", "--finish", "--stack", name);

  for (let round = 1; round <= rounds; round++) {
    await change(stack, `round ${round}`);
    const live = await stackContent(stack);
    const moment = Math.round(random() * length * 1.05);
    const goOn = random() < 0.5;
    const wasStruck = await struck(blow, home, command, moment);
    hits[wasStruck ? "struck" : "finished"] += 1;
    const phase = readJournal(directory)?.phase ?? "none";
    const where = `round ${round} (${wasStruck ? blow.word : "had ended"} after ${moment} ms, in phase ${phase})`;
    if (phase === "none" || phase === "preparing" || phase === "undone") {
      await blow.healed(options);
      same(`${where}: what was live serves`, await stackContent(stack), live);
    }
    const wish = phase === "none" ? undefined : phase === "done" || !goOn ? "--roll-back" : "--continue";
    if (wish !== undefined) {
      const ended = await verb("restore", wish, "--stack", name, ...opened);
      if (ended.exitCode !== 0) throw new Error(`${where}: restore ${wish} fails: ${ended.all}`);
    }
    const expected = wish === "--continue" ? restored(live) : live;
    same(`${where}, then ${wish ?? "nothing"}`, await stackContent(stack), expected);
    if (readJournal(directory) !== undefined) await verb("restore", "--finish", "--stack", name);
    await nothingLeft(stack, where);
    report(
      `${where}: ${wish ?? "no command needed"}, ${wish === "--continue" ? "the backup" : "what was live"} serves, nothing is left over`,
    );
  }
  return hits;
}

/** A change of every store, so that what is live can be told from what is in the backup. */
async function change(stack: DeployedStack, mark: string): Promise<void> {
  const { collection } = stack.manifest.database;
  const client = await stack.postgres();
  await client.query(
    `UPDATE "${collection}" SET payload = payload || jsonb_build_object('mark', $1::text)
     WHERE id = (SELECT min(id::text)::uuid FROM "${collection}")`,
    [mark],
  );
  await stack.neo4j.executeQuery("MERGE (m:Mark) SET m.of = $mark", { mark });
  await stack.close();
  const script =
    "import sqlite3, sys; db = sqlite3.connect('/data/history.db'); " +
    "db.execute('INSERT OR REPLACE INTO history (id, memory_id, new_memory) VALUES (?, ?, ?)', ('mark', 'mark', sys.argv[1])); db.commit()";
  await execInContainer(stack.docker, stack.container("server"), ["python3", "-c", script, mark]);
}

/** Where the services that keep files have them. */
const DATA = { postgres: "/var/lib/postgresql/data", neo4j: "/data", server: "/data" };

/** No database, directory, file, container or volume beside those of the stack. */
async function nothingLeft(stack: DeployedStack, where: string): Promise<void> {
  const { docker, manifest } = stack;
  const client = await stack.postgres();
  const { rows } = await client.query<{ datname: string }>(
    "SELECT datname FROM pg_database WHERE datname LIKE '%\\_20%'",
  );
  await stack.close();
  const left = rows.map(({ datname }) => datname);
  for (const [service, data] of Object.entries(DATA)) {
    const { stdout } = await execInContainer(docker, stack.container(service), ["ls", "-A", data]);
    left.push(...stdout.split("\n").filter((name) => /_(restore|before)_/.test(name)));
  }
  const filters = { label: ["mem0.throwaway"] };
  const ours = ({ Labels }: { Labels: Record<string, string> }) =>
    Labels["mem0.throwaway"]?.startsWith(`${manifest.homeId}/${manifest.stack}/`);
  const containers = (await docker.listContainers({ all: true, filters })).filter(ours);
  const volumes = ((await docker.listVolumes({ filters })).Volumes ?? []).filter(ours);
  left.push(...containers.map(({ Names }) => Names.join()), ...volumes.map(({ Name }) => Name));
  if (left.length > 0) throw new Error(`${where}: left over are ${left.join(", ")}`);
}

function same(what: string, found: StackContent, wanted: StackContent): void {
  for (const store of ["postgres", "neo4j", "history"] as const) {
    if (found[store] !== wanted[store]) throw new Error(`${what}: ${store} is not as it should be`);
  }
}
