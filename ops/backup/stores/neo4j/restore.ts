import type Docker from "dockerode";
import neo4j, { type Driver } from "neo4j-driver-lite";
import { NEO4J_TAKES_BOLT } from "../../../../config/probes.ts";
import { Problem } from "../../../base/problem.ts";
import { execInContainer } from "../../../docker/command.ts";
import type { Throwaway, ThrowawaySpec } from "../../../docker/throwaway.ts";
import { openTunnel, type Tunnel } from "../../../docker/tunnel.ts";
import type { Identity } from "../../format/backup-manifest.ts";
import type { OpenPart } from "../../format/part.ts";
import { lastLine } from "../../format/streams.ts";
import { lookAtBackup } from "../store.ts";

/** The deployed Neo4j, as far as a throw-away one must be like it. */
export interface Neo4jImage {
  image: string;
  user: string | undefined;
  memoryBytes: number;
  heap: string;
  pageCache: string;
}

/** Where the image keeps everything. */
export const VOLUME = "/data";

const START_SECONDS = 300;
const GRACE_SECONDS = 120;

/** The last line of Neo4j's start. */
const STARTED = /INFO\s+Started\.$/m;

/** A Neo4j that nobody but this process reaches, on a volume of its own. */
export class ThrowawayGraph {
  readonly volume: string;
  readonly #docker: Docker;
  readonly #throwaway: Throwaway;
  readonly #image: Neo4jImage;
  #running: { container: string; tunnel: Tunnel; driver: Driver } | undefined;

  constructor(docker: Docker, throwaway: Throwaway, image: Neo4jImage, volume: string) {
    this.#docker = docker;
    this.#throwaway = throwaway;
    this.#image = image;
    this.volume = volume;
  }

  /** Name of the stack that it is for. */
  get stack(): string {
    return this.#throwaway.stack;
  }

  /** Loads a dump of one database into the store; before the first start. */
  async load(dump: OpenPart): Promise<void> {
    const command = ["neo4j-admin", "database", "load", dump.part.name, "--from-stdin"];
    const ended = await this.#throwaway.run({
      ...this.#spec([...command, "--overwrite-destination=true"]),
      input: dump.open,
    });
    if (ended.exitCode !== 0) {
      throw new Problem(`Neo4j does not take the dump: ${lastLine(ended.stderr + ended.stdout)}`, {
        where: dump.part.file,
        mend: lookAtBackup(this.#throwaway.stack),
      });
    }
  }

  /** Runs a script of bash on the store's volume, which lies at /data; the server must be stopped. */
  async script(
    script: string,
    options: Pick<ThrowawaySpec, "stores"> & { input?: { file: string; open: OpenPart["open"] } } = {},
  ): Promise<void> {
    const ended = await this.#throwaway.run({
      ...this.#spec(["-euo", "pipefail", "-c", `umask 077; ${script}`]),
      entrypoint: ["bash"],
      stores: { [VOLUME]: this.volume, ...options.stores },
      ...(options.input === undefined ? {} : { input: options.input.open }),
    });
    if (ended.exitCode !== 0) {
      throw new Problem(`the graph's files cannot be laid out: ${lastLine(ended.stderr)}`, {
        ...(options.input === undefined ? {} : { where: options.input.file }),
      });
    }
  }

  /**
   * Starts the server, with a password that never leaves its container but to this process, and without HTTP, which
   * takes an eighth of the work of a start.
   *
   * @param briefly whether it is asked little: the JVM's quick compiler, which is enough for that, takes 5 s of a
   *   processor from start to Bolt, both compilers take 9
   */
  async start({ briefly }: { briefly: boolean }): Promise<Driver> {
    const makePassword = `umask 077; head -c 24 /dev/urandom | base64 >/tmp/password; exec docker-entrypoint.sh "$@"`;
    const container = await this.#throwaway.start("neo4j", {
      ...this.#spec(["-c", makePassword, "neo4j", "-c", "server.http.enabled=false"]),
      entrypoint: ["bash"],
      env: {
        ...this.#spec([]).env,
        NEO4J_PASSWORD_FILE: "/tmp/password",
        ...(briefly ? { JAVA_TOOL_OPTIONS: "-XX:TieredStopAtLevel=1" } : {}),
      },
    });
    const patience = { what: "Neo4j", seconds: START_SECONDS };
    await this.#throwaway.untilReady(container, NEO4J_TAKES_BOLT, patience);
    // It takes connections before its start has ended, and when it is stopped by then it does not close its databases.
    await this.#throwaway.untilLogged(container, STARTED, patience);
    const { stdout } = await execInContainer(this.#docker, container, ["cat", "/tmp/password"]);
    const tunnel = await openTunnel(this.#docker, container, 7687);
    const driver = neo4j.driver(
      `bolt://127.0.0.1:${tunnel.port}`,
      { scheme: "basic", principal: "neo4j", credentials: stdout.trim() },
      {
        disableLosslessIntegers: true,
        maxConnectionPoolSize: 4,
        userAgent: "mem0-restore",
      },
    );
    this.#running = { container, tunnel, driver };
    return driver;
  }

  /** Stops the server in order, so that the store can be checked and copied. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    const { container } = this.#running;
    await this.disconnect();
    await this.#throwaway.stop(container, GRACE_SECONDS);
    await this.#docker.getContainer(container).remove({ v: true });
  }

  /** Lets go of a running server; it is removed with all that is throw-away. */
  async disconnect(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.driver.close();
    await running?.tunnel.close();
  }

  /** Neo4j's own check of the stopped store; a Problem when it finds inconsistencies. */
  async check(database = "neo4j"): Promise<void> {
    const ended = await this.#throwaway.run(this.#spec(["neo4j-admin", "database", "check", database]));
    if (ended.exitCode === 0) return;
    throw new Problem(
      `Neo4j finds the restored graph inconsistent: ${lastLine(ended.stderr + ended.stdout)}`,
      { mend: `take another backup: ./mem0 backups ${this.#throwaway.stack}` },
    );
  }

  #spec(command: string[]): ThrowawaySpec {
    const { image, user, memoryBytes, heap, pageCache } = this.#image;
    return {
      image,
      command,
      ...(user === undefined ? {} : { user }),
      memoryBytes,
      env: { NEO4J_HEAP: heap, NEO4J_PAGECACHE: pageCache },
      stores: { [VOLUME]: this.volume },
    };
  }
}

/** Gives an empty throw-away Neo4j to `work`, and leaves no connection open behind it. */
export async function withThrowawayGraph<T>(
  docker: Docker,
  throwaway: Throwaway,
  image: Neo4jImage,
  work: (graph: ThrowawayGraph) => Promise<T>,
): Promise<T> {
  const graph = new ThrowawayGraph(docker, throwaway, image, await throwaway.volume("neo4j"));
  try {
    return await work(graph);
  } finally {
    await graph.disconnect();
  }
}

/** Instance, embedder and dimensions that a graph was bound to; undefined when it never was. */
export async function readGraphIdentity(driver: Driver): Promise<Identity | undefined> {
  const { records } = await driver.executeQuery(
    "MATCH (n:Mem0Identity {only_one: true}) RETURN n.instance_id AS instance, n.embedder AS embedder, n.dimensions AS dimensions LIMIT 1",
  );
  const [found] = records;
  if (found === undefined) return undefined;
  return {
    instanceId: String(found.get("instance")),
    embedder: String(found.get("embedder")),
    dimensions: Number(found.get("dimensions")),
  };
}

/** Binds a graph to a stack, as the memory server does at a first start. */
export async function bindGraph(driver: Driver, identity: Identity, at: Date): Promise<void> {
  const values = {
    instance_id: identity.instanceId,
    embedder: identity.embedder,
    dimensions: neo4j.int(identity.dimensions),
    created_at: at.toISOString(),
  };
  await driver.executeQuery("MERGE (n:Mem0Identity {only_one: true}) SET n += $values", { values });
}
