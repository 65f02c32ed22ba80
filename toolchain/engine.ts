import path from "node:path";
import Docker from "dockerode";
import { tooOld } from "../ops/docker/minimum-api.ts";

/** A socket that answers takes milliseconds; a Docker Desktop that is starting may take this long. */
const ANSWER_MS = 5_000;

/** Where an engine may listen. */
export interface Place {
  /** e.g. `unix:///var/run/docker.sock` */
  host: string;
  /** What listens there, for people. */
  kind: string;
  /** Stacks that were deployed there; their data is nowhere else. */
  stacks?: string[];
}

/** What is known beside the usual places, in the order in which it counts. */
export interface KnownEngines {
  /** Where stacks of this machine were deployed, by stack. */
  deployed: Record<string, string>;
  /** Where Docker's own command line would go; nothing when it says nothing, or names another machine. */
  context: string | undefined;
}

export type Engine =
  | { state: "there"; host: string; kind: string; version: string; apiVersion: string; dataRoot: string }
  | { state: "missing" }
  /** Something is there, and it will not do. */
  | { state: "wrong"; host: string; reason: string; mend: string };

/**
 * Where to look for an engine: where stacks were deployed, where Docker's command line goes, then at the usual places.
 * `DOCKER_HOST` is the only place when it is set.
 */
export function enginePlaces(
  platform: NodeJS.Platform,
  env: NodeJS.ProcessEnv,
  home: string,
  { deployed, context }: KnownEngines = { deployed: {}, context: undefined },
): Place[] {
  const wished = env.DOCKER_HOST;
  if (wished === SYSTEM.host) return [SYSTEM];
  if (wished !== undefined && wished !== "") return [{ host: wished, kind: "DOCKER_HOST" }];
  const usual = usualPlaces(platform, home);
  const placeAt = (host: string) => usual.find((place) => place.host === host) ?? { host, kind: "Docker" };
  const first = Map.groupBy(Object.entries(deployed), ([, host]) => host);
  const known = [
    ...[...first].map(([host, stacks]) => ({ ...placeAt(host), stacks: stacks.map(([stack]) => stack) })),
    ...(context === undefined ? [] : [placeAt(context)]),
    ...usual,
  ];
  return known.filter(({ host }, index) => known.findIndex((place) => place.host === host) === index);
}

const SYSTEM: Place = { host: "unix:///var/run/docker.sock", kind: "Docker Engine" };

function usualPlaces(platform: NodeJS.Platform, home: string): Place[] {
  const inHome = (...parts: string[]) => `unix://${path.join(home, ...parts)}`;
  if (platform !== "darwin") {
    return [SYSTEM, { host: inHome(".docker", "desktop", "docker.sock"), kind: "Docker Desktop" }];
  }
  return [
    { host: inHome(".docker", "run", "docker.sock"), kind: "Docker Desktop" },
    { host: inHome(".orbstack", "run", "docker.sock"), kind: "OrbStack" },
    { host: inHome(".colima", "default", "docker.sock"), kind: "colima" },
    SYSTEM,
  ];
}

/**
 * The first engine that answers at one of the places, and whether it will do. Where stacks were deployed on one that does
 * not answer, no other will do: it would begin them anew, without their data.
 */
export async function findEngine(places: readonly Place[], user: EngineUser): Promise<Engine> {
  const found = await Promise.all(
    places.map(async (place) => ({ place, engine: await askEngine(place, user) })),
  );
  const homes = found.filter(({ place }) => place.stacks !== undefined);
  const isThere = ({ engine }: (typeof found)[number]) => engine.state === "there";
  const [home] = homes;
  const other = found.find(isThere);
  if (home !== undefined && other !== undefined && !homes.some(isThere)) {
    return silentHome(home.place, home.engine, other.place);
  }
  return (
    homes.find(isThere)?.engine ??
    other?.engine ??
    found.find(({ engine }) => engine.state === "wrong")?.engine ?? { state: "missing" }
  );
}

/** The engine that has the data of stacks does not answer, and another one does. */
function silentHome({ host, kind, stacks = [] }: Place, engine: Engine, other: Place): Engine {
  if (engine.state === "wrong") return engine;
  return {
    state: "wrong",
    host,
    reason:
      `stack ${stacks.join(", ")} was deployed on this engine (${kind}), which does not answer; ` +
      `${other.kind} at ${other.host} does, without its data`,
    mend: `start ${kind}, then: ./mem0 setup; to take the other one all the same: DOCKER_HOST=${other.host} ./mem0 setup`,
  };
}

/** Who wants to use an engine, and on what. */
export interface EngineUser {
  uid: number;
  platform: NodeJS.Platform;
}

async function askEngine({ host, kind }: Place, { uid, platform }: EngineUser): Promise<Engine> {
  const wrong = (reason: string, mend: string): Engine => ({ state: "wrong", host, reason, mend });
  if (!host.startsWith("unix://")) {
    return wrong(
      "DOCKER_HOST is not a socket of this machine; the stack's secrets and backups are this machine's files",
      "unset DOCKER_HOST, or set it to unix:///path/of/a/socket",
    );
  }
  try {
    const docker = new Docker({ socketPath: host.replace("unix://", ""), timeout: ANSWER_MS });
    const [{ Version, ApiVersion }, info] = await Promise.all([
      docker.version(),
      docker.info() as Promise<{ DockerRootDir: string; SecurityOptions?: string[]; OSType: string }>,
    ]);
    const reason = tooOld({ version: Version, apiVersion: ApiVersion });
    if (reason !== undefined) return wrong(reason, "upgrade Docker, then: ./mem0 setup");
    if (info.SecurityOptions?.some((option) => option.includes("rootless"))) {
      return wrong(
        "this Docker engine is rootless: its containers run as other users and cannot read the stack's 0600 secrets",
        "use a rootful engine, and set DOCKER_HOST to its socket",
      );
    }
    return {
      state: "there",
      host,
      kind,
      version: Version,
      apiVersion: ApiVersion,
      dataRoot: info.DockerRootDir,
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EPERM") {
      return wrong(
        "you may not use the Docker engine",
        platform === "darwin"
          ? `start ${kind} as the user who runs ./mem0`
          : `sudo usermod -aG docker "$(id -un ${uid})", then log in again`,
      );
    }
    if (kind === "DOCKER_HOST") {
      return wrong(
        `DOCKER_HOST is set, and no engine answers there (${code ?? (error as Error).message})`,
        "start that engine, or unset DOCKER_HOST",
      );
    }
    return { state: "missing" };
  }
}
