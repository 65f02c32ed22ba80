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
}

export type Engine =
  | { state: "there"; host: string; kind: string; version: string; apiVersion: string; dataRoot: string }
  | { state: "missing" }
  /** Something is there, and it will not do. */
  | { state: "wrong"; host: string; reason: string; mend: string };

/** Where to look for an engine, the wished one first. `DOCKER_HOST` is the only place when it is set. */
export function enginePlaces(platform: NodeJS.Platform, env: NodeJS.ProcessEnv, home: string): Place[] {
  const system = { host: "unix:///var/run/docker.sock", kind: "Docker Engine" };
  const wished = env.DOCKER_HOST;
  if (wished === system.host) return [system];
  if (wished !== undefined && wished !== "") return [{ host: wished, kind: "DOCKER_HOST" }];
  const inHome = (...parts: string[]) => `unix://${path.join(home, ...parts)}`;
  if (platform !== "darwin") {
    return [system, { host: inHome(".docker", "desktop", "docker.sock"), kind: "Docker Desktop" }];
  }
  return [
    { host: inHome(".docker", "run", "docker.sock"), kind: "Docker Desktop" },
    { host: inHome(".orbstack", "run", "docker.sock"), kind: "OrbStack" },
    { host: inHome(".colima", "default", "docker.sock"), kind: "colima" },
    system,
  ];
}

/** The first engine that answers at one of the places, and whether it will do. */
export async function findEngine(places: readonly Place[], user: { uid: number }): Promise<Engine> {
  const answers = await Promise.all(places.map((place) => askEngine(place, user)));
  return (
    answers.find(({ state }) => state === "there") ??
    answers.find(({ state }) => state === "wrong") ?? { state: "missing" }
  );
}

async function askEngine({ host, kind }: Place, user: { uid: number }): Promise<Engine> {
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
        `sudo usermod -aG docker "$(id -un ${user.uid})", then log in again`,
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
