import { DISK_FREE_GB, DRILL_DAYS } from "../../config/manifest.ts";
import { readStatus } from "../backup/status-file.ts";
import { readGraphIdentity } from "../backup/stores/neo4j/restore.ts";
import { wrong } from "../base/check.ts";
import { jobChecks, jobStates } from "../schedules/report.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import { type Answer, asked } from "./answer.ts";
import { askCanary } from "./canary.ts";
import { askBot, askEngine, lookAtContainer } from "./containers.ts";
import type { HealthFacts, HealthSettings } from "./facts.ts";
import { diskIsEncrypted, freeOn } from "./host.ts";
import { askReady, askServer, askTarget, exporterDisks, getPage, hasDashboard } from "./pages.ts";

/** How long whoever is asked may take: on this machine, where all is well, none takes a tenth of it. */
const ANSWER_MS = 2_500;

/** The server asks a paid model as well, and waits for its stores twice as long as for a probe. */
const READY_MS = 6_000;

/** The model's own time is in it. */
const CANARY_MS = 9_000;

/** What of a deployed stack's manifest health depends on. */
export function healthSettings({ manifest }: DeployedStack): HealthSettings {
  const { observability, backup } = manifest;
  return {
    stack: manifest.stack,
    instanceId: manifest.instanceId,
    containers: Object.fromEntries(
      Object.entries(manifest.services).map(([service, { container }]) => [service, container]),
    ),
    databaseUser: manifest.database.user,
    embedded: manifest.model.provider === "embedded",
    diskFreeGb: observability?.diskFreeGb ?? DISK_FREE_GB,
    backupRuns: observability?.backupRuns ?? 2,
    drillDays: observability?.drillDays ?? DRILL_DAYS,
    recipients: (backup?.recipients.length ?? 0) > 0,
    backupRoot: backup?.root,
  };
}

/** Asks everyone side by side, each for a bounded time: the whole takes no longer than whoever is asked the longest. */
export async function gatherHealth(stack: DeployedStack, now = Date.now()): Promise<HealthFacts> {
  const { manifest, docker } = stack;
  const { services, observability, backup } = manifest;
  const quick = <T>(ask: (signal: AbortSignal) => Promise<T>) => asked(ANSWER_MS, ask);
  const address = (service: string, purpose: string) => {
    const port = services[service]?.ports[purpose];
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  };
  const neo4jPage = address("neo4j", "http");
  const asks = {
    docker: quick((signal) => askEngine(docker, signal)),
    containers: ofEach(services, ({ container }) =>
      quick((signal) => lookAtContainer(docker, container, signal)),
    ),
    disks: gatherDisks(stack, quick),
    server: quick((signal) => askServer(stack, signal)),
    ready: asked(READY_MS, (signal) => askReady(stack, signal)),
    canary: askCanary(stack, now, CANARY_MS),
    postgres: gatherPostgres(stack),
    neo4jHttp: neo4jPage === undefined ? undefined : quick((signal) => getPage(neo4jPage, signal)),
    neo4j: gatherNeo4j(stack),
    grafana: gatherGrafana(stack, quick),
    target:
      observability?.prometheusUrl === undefined || observability.exporter === "off"
        ? undefined
        : quick((signal) => askTarget(manifest, signal)),
    bot:
      services.telegram_bot === undefined
        ? undefined
        : quick((signal) => askBot(docker, services.telegram_bot?.container ?? "", signal)),
    jobs: gatherJobs(stack, now),
    diskEncrypted: backup === undefined ? undefined : diskIsEncrypted(backup.root, ANSWER_MS),
  };
  return {
    now,
    backups: backup === undefined ? undefined : readStatus(stack.directory),
    docker: await asks.docker,
    containers: await asks.containers,
    disks: await asks.disks,
    server: await asks.server,
    ready: await asks.ready,
    canary: await asks.canary,
    postgres: await asks.postgres,
    neo4jHttp: await asks.neo4jHttp,
    neo4j: await asks.neo4j,
    grafana: await asks.grafana,
    target: await asks.target,
    bot: await asks.bot,
    jobs: await asks.jobs,
    diskEncrypted: await asks.diskEncrypted,
  };
}

type Quick = <T>(ask: (signal: AbortSignal) => Promise<T>) => Promise<Answer<T>>;

async function ofEach<T, R>(
  of: Record<string, T>,
  ask: (value: T) => Promise<R>,
): Promise<Record<string, R>> {
  const pairs = Object.entries(of).map(async ([name, value]) => [name, await ask(value)] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

async function gatherDisks(stack: DeployedStack, quick: Quick): Promise<HealthFacts["disks"]> {
  const { backup } = stack.manifest;
  const own = [
    { place: "state", path: stack.directory },
    ...(backup === undefined ? [] : [{ place: "backups", path: backup.root }]),
  ];
  const [here, there] = await Promise.all([
    Promise.all(own.map(async (disk) => ({ ...disk, free: await quick(() => freeOn(disk.path)) }))),
    quick((signal) => exporterDisks(stack, signal)),
  ]);
  // An exporter that does not answer has checks of its own.
  return [...here, ...("value" in there ? there.value : [])];
}

/** Nothing where nothing runs by itself; a manager that does not answer is a finding. */
async function gatherJobs(stack: DeployedStack, now: number): Promise<HealthFacts["jobs"]> {
  const states = await asked(ANSWER_MS, () => jobStates(stack, new Date(now)));
  if ("value" in states) return jobChecks(stack.name, states.value);
  return [wrong("schedules", states.reason, `./mem0 schedule ${stack.name}`)];
}

/** Closes what was opened in the background: a server that hangs would be waited for. */
async function gatherPostgres(stack: DeployedStack): Promise<HealthFacts["postgres"]> {
  const brief = stack.within(ANSWER_MS);
  const opened = await asked(ANSWER_MS, () => brief.postgres());
  if (!("value" in opened)) {
    void brief.close();
    return { session: opened, identity: opened };
  }
  const identity = await asked(ANSWER_MS, async () => {
    const { rows } = await opened.value.query<{ id: string; since: Date }>(
      "SELECT instance_id AS id, created_at AS since FROM mem0_identity",
    );
    return { instanceId: rows[0]?.id, since: rows[0]?.since.getTime() };
  });
  void brief.close();
  return { session: { value: true }, identity };
}

async function gatherNeo4j(stack: DeployedStack): Promise<HealthFacts["neo4j"]> {
  const brief = stack.within(ANSWER_MS);
  const answer = await asked(ANSWER_MS, async () => ({
    instanceId: (await readGraphIdentity(brief.neo4j))?.instanceId,
  }));
  void brief.close();
  return answer;
}

async function gatherGrafana({ manifest }: DeployedStack, quick: Quick): Promise<HealthFacts["grafana"]> {
  const grafana = manifest.observability?.grafana;
  if (grafana === undefined) return undefined;
  const file = manifest.secretFiles.grafana_admin_password;
  const { adminUser } = grafana;
  const [web, dashboard] = await Promise.all([
    quick(async (signal) => {
      await getPage(`${grafana.url}/api/health`, signal);
      return true as const;
    }),
    adminUser === undefined || file === undefined
      ? undefined
      : quick((signal) => hasDashboard(grafana, { user: adminUser, file }, signal)),
  ]);
  return { web, dashboard };
}
