import { readFileSync } from "node:fs";
import path from "node:path";
import type Docker from "dockerode";
import neo4j, { type Driver } from "neo4j-driver-lite";
import pg from "pg";
import type { Manifest } from "../../config/manifest.ts";
import { requireOwnDirectory } from "../base/own-directory.ts";
import { Problem } from "../base/problem.ts";
import { connectDocker } from "../docker/client.ts";
import { MemoryClient } from "../server/client.ts";
import { readManifest, required, stackDirectory } from "./manifest-file.ts";

/** The stack's settings for backups. */
export type BackupSettings = NonNullable<Manifest["backup"]>;

/** How long a database may take to accept a connection. */
const CONNECT_MS = 10_000;

/** How long one question of a session that only reads may take. */
const READER_MS = 60_000;

/** What the databases list our connections as. */
const CLIENT_NAME = "mem0-backup";

/**
 * A stack as it was deployed. Every verb that operates a stack makes one from the manifest and hands it down. It alone
 * knows where the stack's files lie, what its containers are called, and how its services are reached.
 *
 * Clients are made when they are first asked for. `close` ends their connections; whoever made the DeployedStack calls
 * it, since an open connection keeps the process running.
 */
export class DeployedStack {
  readonly manifest: Manifest;
  /** The stack's own 0700 directory on the host: manifest, secret files, locks, logs, journals. */
  readonly directory: string;
  #docker: Docker | undefined;
  #server: MemoryClient | undefined;
  #neo4j: Driver | undefined;
  #sessions = new Set<pg.Client>();
  readonly #connectMs: number;

  constructor(manifest: Manifest, directory: string, connectMs = CONNECT_MS) {
    this.manifest = manifest;
    this.directory = directory;
    this.#connectMs = connectMs;
  }

  /** The same stack for whoever cannot wait long for its databases: with clients of its own, which its caller closes. */
  within(connectMs: number): DeployedStack {
    return new DeployedStack(this.manifest, this.directory, connectMs);
  }

  /** @throws Problem when the stack was never deployed on this host, its manifest cannot be read, or others may write it */
  static read(stateHome: string, name: string): DeployedStack {
    const directory = stackDirectory(stateHome, name);
    requireOwnDirectory(directory, `the directory of stack ${name}`);
    return new DeployedStack(readManifest(stateHome, name), directory);
  }

  get name(): string {
    return this.manifest.stack;
  }

  /** Directory of all stacks of this set-up, backend and passphrase. */
  get stateHome(): string {
    return path.dirname(path.dirname(this.directory));
  }

  get dockerHost(): string {
    return this.manifest.dockerHost;
  }

  /** @throws Problem when the manifest is from before there were backups */
  get backup(): BackupSettings {
    const { backup } = this.manifest;
    if (backup !== undefined) return backup;
    throw new Problem(`stack ${this.name} was deployed before there were backups`, { mend: this.#upAgain });
  }

  /** Name of a service's container. */
  container(service: string): string {
    return this.#required(this.manifest.services[service]?.container, `container of ${service}`);
  }

  /** A service's port on 127.0.0.1. */
  port(service: string, purpose: string): number {
    return this.#required(this.manifest.services[service]?.ports[purpose], `port ${purpose} of ${service}`);
  }

  /** Path of a 0600 file, e.g. of `api_key`. */
  secretFile(name: string): string {
    return this.#required(this.manifest.secretFiles[name], `secret file ${name}`);
  }

  /** What a secret file holds. */
  secret(name: string): string {
    const file = this.secretFile(name);
    try {
      return readFileSync(file, "utf8").trim();
    } catch (cause) {
      throw new Problem(`the secret file ${name} cannot be read`, {
        where: file,
        mend: this.#upAgain,
        cause,
      });
    }
  }

  /** Client of the Docker engine that the stack runs on. It says in plain words that the engine is down inside `withDocker`. */
  get docker(): Docker {
    this.#docker ??= connectDocker(this.dockerHost);
    return this.#docker;
  }

  /** Client of the memory server, with the key of its owner. */
  get server(): MemoryClient {
    this.#server ??= new MemoryClient({
      stack: this.name,
      address: `http://127.0.0.1:${this.port("server", "http")}`,
      apiKey: this.secret("api_key"),
      addSeconds: this.manifest.addSeconds,
    });
    return this.#server;
  }

  /** Driver of the stack's Neo4j. */
  get neo4j(): Driver {
    this.#neo4j ??= neo4j.driver(
      `bolt://127.0.0.1:${this.port("neo4j", "bolt")}`,
      { scheme: "basic", principal: "neo4j", credentials: this.secret("neo4j_password") },
      {
        connectionTimeout: this.#connectMs,
        connectionAcquisitionTimeout: this.#connectMs,
        maxTransactionRetryTime: 0,
        telemetryDisabled: true,
        userAgent: CLIENT_NAME,
      },
    );
    return this.#neo4j;
  }

  /**
   * A new session in the stack's database as its owner, for its caller alone: it may open a transaction in it.
   *
   * @throws Problem when Postgres does not answer
   */
  postgres(): Promise<pg.Client> {
    return this.#session(this.manifest.database.user, "postgres_password");
  }

  /** The role that only looks, for questions over the container's own socket; the owner where there is none yet. */
  get readerRole(): string {
    const { metricsUser, user } = this.manifest.database;
    return metricsUser ?? user;
  }

  /**
   * The same as the role that may look at everything and change nothing, which the exporter has as well: for whoever asks
   * with what came from elsewhere.
   *
   * @throws Problem when Postgres does not answer, or the stack was deployed before there was such a role
   */
  async reader(): Promise<pg.Client> {
    const { metricsUser } = this.manifest.database;
    return this.#session(this.#required(metricsUser, "role that only reads"), "metrics_password", READER_MS);
  }

  async #session(user: string, password: string, statementMs?: number): Promise<pg.Client> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: this.port("postgres", "postgres"),
      database: this.manifest.database.name,
      user,
      password: this.secret(password),
      connectionTimeoutMillis: this.#connectMs,
      ...(statementMs === undefined ? {} : { statement_timeout: statementMs }),
      application_name: CLIENT_NAME,
    });
    // A connection that breaks while it is idle: the next question fails.
    client.on("error", () => {});
    try {
      await client.connect();
    } catch (cause) {
      throw this.silent("Postgres", "postgres", cause);
    }
    this.#sessions.add(client);
    return client;
  }

  /** What a person reads when a service does not answer. */
  silent(what: string, service: string, cause: unknown): Problem {
    const [where, mend] = [this.container(service), `./mem0 status ${this.name}`];
    return new Problem(`${what} does not answer`, { where, mend, cause });
  }

  /** Ends all connections. Whatever is asked for afterwards connects anew. */
  async close(): Promise<void> {
    const [driver, sessions] = [this.#neo4j, [...this.#sessions]];
    this.#neo4j = undefined;
    this.#sessions.clear();
    await Promise.allSettled([driver?.close(), ...sessions.map((session) => session.end())]);
  }

  get #upAgain(): string {
    return `./mem0 up ${this.name}`;
  }

  #required<T>(value: T | undefined, what: string): T {
    return required(value, what, this.name);
  }
}
