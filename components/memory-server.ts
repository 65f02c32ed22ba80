import * as pulumi from "@pulumi/pulumi";
import { allowedHosts } from "../config/host-names.ts";
import type { ModelSettings } from "../config/model.ts";
import { BOT_KEY_HOURS } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { httpHealth, type RunningService, SECRETS_DIRECTORY, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface MemoryServerArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
  /** What must be healthy before the server starts. */
  postgres: RunningService;
  neo4j: RunningService;
  /** Where the model is a service of this stack. */
  model: RunningService | undefined;
}

/** The memory server: mem0's API over both stores and the model. */
export class MemoryServer extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: MemoryServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:MemoryServer", name, {}, opts);
    const { settings, secrets, postgres, neo4j, model } = args;

    const store = new StoreMount(
      `${name}-data`,
      { store: "data", at: "/data", settings, target: args.target },
      { parent: this },
    );
    const waitsFor = [postgres, neo4j, ...(model === undefined ? [] : [model])].map(
      ({ resource }) => resource,
    );
    const modelKey = secrets.openaiApiKey;
    this.service = args.target.run(
      name,
      {
        service: "server",
        image: args.images.id("server"),
        env: {
          MEM0_STACK: settings.stack,
          INSTANCE_ID: secrets.instanceId,
          POSTGRES_HOST: postgres.host,
          POSTGRES_PORT: "5432",
          POSTGRES_DB: settings.names.database,
          POSTGRES_USER: settings.names.databaseUser,
          POSTGRES_PASSWORD_FILE: `${SECRETS_DIRECTORY}/postgres_password`,
          NEO4J_URI: `bolt://${neo4j.host}:7687`,
          NEO4J_USERNAME: "neo4j",
          NEO4J_PASSWORD_FILE: `${SECRETS_DIRECTORY}/neo4j_password`,
          API_KEY_FILE: `${SECRETS_DIRECTORY}/api_keys`,
          HISTORY_DB_PATH: "/data/history.db",
          ALLOWED_HOSTS: allowedHosts(settings).join(","),
          MEMORY_COLLECTION: settings.memory.collection,
          ...modelEnvironment(settings.model),
          ...behaviour(settings.server),
          ...(settings.telegram === undefined ? {} : { IDEMPOTENCY_HOURS: String(BOT_KEY_HOURS) }),
          ...(modelKey === undefined ? {} : { OPENAI_API_KEY_FILE: `${SECRETS_DIRECTORY}/openai_api_key` }),
        },
        ports: [{ internal: 8888, external: settings.ports.server }],
        stores: [store.mount],
        secrets: [
          secrets.postgresPassword,
          secrets.neo4jPassword,
          secrets.apiKeys,
          ...(modelKey === undefined ? [] : [modelKey]),
        ],
        health: httpHealth(8888, "/health", 10),
        limits: settings.resources.server,
        graceSeconds: 30,
        // The embedded model is a service of the stack.
        outward: [settings.model.llm, settings.model.embedder].some(
          ({ provider }) => provider !== "embedded",
        ),
        shared: true,
        inside: settings.telegram === undefined ? ["all"] : ["all", "bot"],
      },
      { parent: this, network: args.network, dependsOn: waitsFor },
    );

    this.registerOutputs({ container: this.service.name });
  }
}

function modelEnvironment({ llm, embedder }: ModelSettings): Record<string, string> {
  return {
    LLM_PROVIDER: llm.provider,
    LLM_MODEL: llm.model,
    ...(llm.baseUrl === undefined ? {} : { LLM_BASE_URL: llm.baseUrl }),
    EMBEDDER_PROVIDER: embedder.provider,
    EMBEDDER_MODEL: embedder.model,
    ...(embedder.baseUrl === undefined ? {} : { EMBEDDER_BASE_URL: embedder.baseUrl }),
    EMBEDDER_DIMENSIONS: String(embedder.dimensions),
  };
}

/** `server` of the stack file in the words that the server's own settings use. */
function behaviour(server: Settings["server"]): Record<string, string> {
  const { timeouts, limits } = server;
  return {
    ADD_TIMEOUT_S: String(timeouts.addSeconds),
    SEARCH_TIMEOUT_S: String(timeouts.searchSeconds),
    STORE_TIMEOUT_S: String(timeouts.storeSeconds),
    MODEL_TIMEOUT_S: String(timeouts.modelSeconds),
    MAX_BODY_BYTES: String(limits.bodyKb * 1024),
    RATE_LIMIT_PER_SECOND: String(limits.requestsPerSecond),
    REQUESTS_AT_ONCE: String(limits.requestsAtOnce),
    GRAPH_SEARCH: server.graphSearch,
    ALLOW_RESET: String(server.allowReset),
    ADOPT_EXISTING_DATA: String(server.adoptExistingData),
    ACCEPT_EMPTY: server.acceptEmpty.join(","),
  };
}
