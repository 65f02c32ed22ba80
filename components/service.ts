import type * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config/names.ts";
import { answersHttp } from "../config/probes.ts";
import type { Settings } from "../config/settings.ts";
import type { MountedFile } from "./host-file.ts";
import type { Inside, Network } from "./network.ts";
import type { Target } from "./targets/target.ts";

/** What a service needs, in the field's own words; says nothing of how a host provides it. */
export interface ServiceSpec {
  service: Service;
  image: pulumi.Input<string>;
  /** Arguments to the image's entrypoint. */
  command?: string[];
  env?: Record<string, pulumi.Input<string>>;
  /** Published on 127.0.0.1 of the host only. By the gate for others, unless a service checks by itself who asks. */
  ports?: { internal: number; external: number }[];
  stores?: Store[];
  /** Each appears read-only as /run/secrets/<name>. */
  secrets?: MountedFile[];
  /** Configuration that is no secret, read-only at its target. */
  files?: (MountedFile & { target: string })[];
  health: HealthCheck;
  limits: { memoryMb: number; cpus: number; shmMb?: number };
  /** Seconds between the stop signal and SIGKILL. */
  graceSeconds: number;
  stopSignal?: "SIGINT" | "SIGTERM";
  /** Writable paths in memory, with their size in MB; the root file system is read-only. */
  writable?: Record<string, number>;
  /** May reach the Internet, and the host as host.docker.internal; else nothing but the stack. */
  outward?: boolean;
  /** The networks within the stack, by what they are for; on each others find it under its name. All services' by default. */
  inside?: readonly Inside[];
  /** Joins the network shared with other systems, where there is one. */
  shared?: boolean;
}

/** A named volume or a directory of the host, as a service sees it. */
export interface Store {
  kind: "volume" | "directory";
  /** The volume's name or the directory's path. */
  source: pulumi.Input<string>;
  /** Path inside the service. */
  target: string;
  readOnly?: boolean;
}

export interface HealthCheck {
  /** Succeeds inside the service while it is well. */
  command: readonly string[];
  everySeconds: number;
  timeoutSeconds: number;
  /** Failures in a row until it counts as unwell. */
  retries: number;
  /** After the start failures do not count for so long. */
  startSeconds: number;
}

/** A service as the rest of the stack sees it. */
export interface RunningService {
  /** Under which people and verbs find it on its host. */
  name: pulumi.Output<string>;
  /** Under which other services of the stack reach it. */
  host: string;
  /** Its id on its host, known as soon as it runs and is healthy. */
  id: pulumi.Output<string>;
  /** What has to wait for it depends on this. */
  resource: pulumi.Resource;
}

/** What every component of a service is given. */
export interface ServiceContext {
  settings: Settings;
  network: Network;
  target: Target;
}

/** Where secret files appear inside a service. */
export const SECRETS_DIRECTORY = "/run/secrets";

/** Health check over HTTP of a service whose image has no client for it. */
export function httpHealth(port: number, path: string, everySeconds: number): HealthCheck {
  return {
    command: answersHttp(port, path),
    everySeconds,
    timeoutSeconds: 5,
    retries: 3,
    startSeconds: 60,
  };
}
