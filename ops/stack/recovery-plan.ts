/** A container or network that carries the labels of the stack. */
export interface Seen {
  kind: "container" | "network";
  id: string;
  name: string;
  /** A network always does. */
  running: boolean;
}

/** The part of Pulumi's exported state that recovery looks at. */
export interface ExportedState {
  resources: StateResource[];
  pendingOperations: number;
}

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  /** Read, not managed. */
  external?: boolean;
  protect?: boolean;
  inputs?: Record<string, unknown>;
}

/** What must be put right before a deployment, after an earlier one was killed or a hand has changed things. */
export interface RecoveryPlan {
  /** The engine does not know how these operations ended: ask the providers. */
  refresh: boolean;
  /** What Docker knows nothing of, by URN: it is kept in a Grafana, which may be the very thing that is gone. */
  elsewhere: string[];
  /** Volumes of data that the engine does not have: perhaps it is another one, and a refresh would forget them. */
  lost: string[];
  /** Ours by label, but in no state: made by a run that was killed before it could note them. */
  strays: Seen[];
  /** In the state and on the host, but stopped: Docker takes `docker kill` for an order and does not restart. */
  stopped: Seen[];
  /** Files that the state believes in and the disk lacks, by the URN of the resource that writes them. */
  rewrite: string[];
}

const DOCKER_TYPES = ["docker:index/container:Container", "docker:index/network:Network"];
const VOLUME = "docker:index/volume:Volume";
const GRAFANA = "grafana:";
const COMMAND = "command:local:Command";

/**
 * @param seen all containers and networks that carry this stack's labels
 * @param volumes names of all the engine's volumes
 * @param fileExists tells whether a path on the host is there
 */
export function planRecovery(
  state: ExportedState,
  seen: readonly Seen[],
  volumes: readonly string[],
  fileExists: (path: string) => boolean,
): RecoveryPlan {
  const known = state.resources
    .filter(({ type, external }) => DOCKER_TYPES.includes(type) && external !== true)
    .map(({ id }) => id);
  const present = new Set(seen.map(({ id }) => id));
  return {
    refresh: state.pendingOperations > 0 || known.some((id) => id !== undefined && !present.has(id)),
    elsewhere: state.resources.filter(({ type }) => type.startsWith(GRAFANA)).map(({ urn }) => urn),
    lost: state.resources
      .filter(({ type, protect }) => type === VOLUME && protect === true)
      .flatMap(({ id }) => (id === undefined || volumes.includes(id) ? [] : [id])),
    strays: seen.filter(({ id }) => !known.includes(id)),
    stopped: seen.filter(({ id, running }) => known.includes(id) && !running),
    rewrite: state.resources
      .filter(({ type, inputs }) => {
        const file = type === COMMAND ? writtenFile(inputs) : undefined;
        return file !== undefined && !fileExists(file);
      })
      .map(({ urn }) => urn),
  };
}

/** Path that components/host-file.ts gives its command. */
export function writtenFile(inputs: Record<string, unknown> | undefined): string | undefined {
  const environment = inputs?.environment as Record<string, unknown> | undefined;
  return typeof environment?.FILE === "string" ? environment.FILE : undefined;
}
