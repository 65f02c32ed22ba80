import * as pulumi from "@pulumi/pulumi";
import { postgresAnswers } from "../config/probes.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { type RunningService, SECRETS_DIRECTORY, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface PostgresArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
}

/** PostgreSQL with pgvector: the memories and their embeddings. */
export class Postgres extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Postgres", name, {}, opts);
    const { names, resources } = args.settings;
    const { memoryMb, cpus } = resources.postgres;
    // Shared buffers of a quarter of the memory are PostgreSQL's own advice for a dedicated server.
    const sharedBuffersMb = Math.floor(memoryMb / 4);
    // An HNSW build is quick only while its whole graph fits.
    const maintenanceMb = Math.floor(memoryMb / 4);

    const store = new StoreMount(
      `${name}-data`,
      { store: "postgres", at: "/var/lib/postgresql/data", settings: args.settings, target: args.target },
      { parent: this },
    );
    this.service = args.target.run(
      name,
      {
        service: "postgres",
        image: args.images.id("postgres"),
        command: [
          ["shared_buffers", `${sharedBuffersMb}MB`],
          ["maintenance_work_mem", `${maintenanceMb}MB`],
          ["effective_cache_size", `${Math.floor(memoryMb / 2)}MB`],
          ["max_connections", "60"],
        ].flatMap(([key, value]) => ["-c", `${key}=${value}`]),
        env: {
          POSTGRES_DB: names.database,
          POSTGRES_USER: names.databaseUser,
          POSTGRES_PASSWORD_FILE: `${SECRETS_DIRECTORY}/postgres_password`,
          POSTGRES_METRICS_USER: names.metricsUser,
          POSTGRES_METRICS_PASSWORD_FILE: `${SECRETS_DIRECTORY}/metrics_password`,
        },
        stores: [store.mount],
        secrets: [args.secrets.postgresPassword, args.secrets.metricsPassword],
        health: {
          command: postgresAnswers({ user: names.databaseUser, name: names.database }),
          everySeconds: 5,
          timeoutSeconds: 5,
          retries: 6,
          startSeconds: 60,
        },
        // Parallel queries exchange rows through shared memory; Docker's 64 MB stop larger ones.
        limits: { memoryMb, cpus, shmMb: 256 },
        graceSeconds: 60,
        stopSignal: "SIGINT",
        writable: { "/tmp": 64, "/var/run/postgresql": 16 },
      },
      { parent: this, network: args.network },
    );

    this.registerOutputs({ container: this.service.name });
  }
}
