import { z } from "zod";

/**
 * What a stack file may say: the one statement of every setting, its bounds, its default and its meaning.
 * The editor schema (config/stack.schema.json) and docs/settings.md are generated from here.
 */

/** HNSW, pgvector's index for similarity search, takes at most this many dimensions of type `vector`. */
export const MAX_INDEXED_DIMENSIONS = 2000;

/** What OpenAI is asked for when a stack file names no models. */
export const OPENAI_DEFAULT = {
  llm: "gpt-4.1-mini",
  embedder: "text-embedding-3-small",
  dimensions: 1536,
} as const;

/** The memory server takes no shorter key, and keys are words in a file. */
export const API_KEY = /^\S{16,4096}$/;

const port = z.int().min(1024).max(65535);
const memoryMb = z.int().min(128).max(262_144);
const cpus = z.number().min(0.1).max(64);
const dimensions = z.int().min(1).max(MAX_INDEXED_DIMENSIONS);
const baseUrl = z.url({ protocol: /^https?$/, error: "a URL that begins with http:// or https://" });
const modelName = z.string().min(1).max(200);
const dockerName = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
    "a Docker name: letters, digits, `_`, `.`, `-`, at most 63 characters",
  );
const hostPath = z.string().regex(/^(\/|~\/).+/, "an absolute path, or one that begins with ~/");
const seconds = z.int().min(1).max(3600);

const ports = z
  .strictObject({
    server: port.default(8888).meta({ description: "Memory server: the API that clients and the CLI use." }),
    postgres: port.default(5433).meta({ description: "PostgreSQL with pgvector." }),
    neo4jHttp: port.default(7474).meta({ description: "Neo4j browser and HTTP API." }),
    neo4jBolt: port.default(7687).meta({ description: "Neo4j's Bolt protocol." }),
    exporter: port
      .default(9103)
      .meta({ description: "Exporter: landing page and metrics of the whole stack." }),
    prometheus: port.default(9090).meta({ description: "The stack's own Prometheus." }),
    grafana: port.default(3001).meta({ description: "The stack's own Grafana." }),
    serverMetrics: port.default(9464).meta({
      description: "The memory server's own metrics; published only when the exporter runs on the host.",
    }),
  })
  .meta({ description: "Ports on 127.0.0.1 of the host. Every stack of a host needs its own." });

const data = z
  .strictObject({
    root: hostPath.optional().meta({
      description:
        "Directory on the host that holds `postgres`, `neo4j` and `data`. Left out: named Docker volumes.",
      examples: ["/Users/me/mem0-data"],
    }),
  })
  .meta({ description: "Where the memories live." });

const network = z
  .strictObject({
    external: z
      .strictObject({
        name: dockerName.meta({ description: "The network's name.", examples: ["intel-network"] }),
        create: z.boolean().default(false).meta({
          description: "Create the network when it is missing. Otherwise a missing network is an error.",
        }),
      })
      .optional()
      .meta({ description: "A Docker network shared with other systems, which the memory server joins." }),
  })
  .meta({ description: "Networks beside the stack's own." });

const embedded = z
  .strictObject({
    provider: z.literal("embedded").meta({ description: "Our own container: no key, no Internet." }),
  })
  .meta({ title: "embedded" });

const openai = z
  .strictObject({
    provider: z.literal("openai").meta({ description: "OpenAI; needs the secret `mem0:openaiApiKey`." }),
    llm: modelName
      .default(OPENAI_DEFAULT.llm)
      .meta({ description: "Chat model that extracts facts and entities." }),
    embedder: modelName.default(OPENAI_DEFAULT.embedder).meta({ description: "Embedding model." }),
    dimensions: dimensions
      .default(OPENAI_DEFAULT.dimensions)
      .meta({ description: "Dimensions of the embedding model." }),
  })
  .meta({ title: "openai" });

const openaiCompatible = z
  .strictObject({
    provider: z
      .literal("openai-compatible")
      .meta({ description: "Ollama, LM Studio or another server that speaks OpenAI's API." }),
    baseUrl: baseUrl.meta({
      description: "Base URL as the memory server's container reaches it.",
      examples: ["http://host.docker.internal:11434/v1"],
    }),
    llm: modelName.meta({ description: "Chat model.", examples: ["llama3.1:8b"] }),
    embedder: modelName.meta({ description: "Embedding model.", examples: ["nomic-embed-text"] }),
    embedderBaseUrl: baseUrl
      .optional()
      .meta({ description: "Base URL of the embedder, when it is another server." }),
    dimensions: dimensions.meta({ description: "Dimensions of the embedding model.", examples: [768] }),
  })
  .meta({ title: "openai-compatible" });

const part = z
  .enum(["embedded", "openai", "openai-compatible"])
  .meta({ description: "As above, for this part alone." });
const partBaseUrl = baseUrl
  .optional()
  .meta({ description: "Base URL; needed with openai-compatible, and only there." });
const partModel = modelName.optional().meta({ description: "Model; openai and embedded have a default." });

const mixed = z
  .strictObject({
    provider: z
      .literal("mixed")
      .meta({ description: "One provider for the chat model, another for the embedder." }),
    llm: z.strictObject({ provider: part, model: partModel, baseUrl: partBaseUrl }),
    embedder: z.strictObject({
      provider: part,
      model: partModel,
      baseUrl: partBaseUrl,
      dimensions: dimensions.optional().meta({
        description: "Dimensions of the embedding model; needed with openai-compatible.",
      }),
    }),
  })
  .meta({ title: "mixed" });

const model = z.discriminatedUnion("provider", [embedded, openai, openaiCompatible, mixed]).meta({
  description:
    "Who extracts and embeds. Model and dimensions belong together: neither can change once memories are stored.",
});

const memory = z
  .strictObject({
    defaultUser: z
      .string()
      .min(1)
      .max(128)
      .default("me")
      .meta({ description: "User that `remember` and `recall` mean when no `--user` is given." }),
    collection: z
      .string()
      .regex(
        /^[a-z][a-z0-9_]{0,47}$/,
        "a table name: lower case letters, digits and `_`, at most 48 characters",
      )
      .default("memories")
      .meta({ description: "Postgres table of the memories." }),
  })
  .meta({ description: "Names inside the memory." });

/** Names of API keys: they stand in file names and in the audit log. */
const keyOwner = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,31}$/,
    "a name of lower case letters, digits, `_` and `-`, at most 32 characters",
  );
const role = z.enum(["read", "write", "admin"]);
const wait = (fallback: number, description: string) => seconds.default(fallback).meta({ description });

const server = z
  .strictObject({
    keys: z
      .record(keyOwner, role)
      .default({})
      .meta({
        description:
          "API keys beside the owner's own (`cli`, admin), with what each may do: `read`, `write` (also reads), `admin` " +
          "(all). Each is generated into `secrets/api_key_<name>`, unless `mem0:apiKeys` gives it.",
        examples: [{ bot: "write", person: "admin" }],
      }),
    timeouts: z
      .strictObject({
        addSeconds: wait(90, "An add, all its calls of the model together."),
        searchSeconds: wait(20, "A search."),
        storeSeconds: wait(15, "One transaction in a store."),
        modelSeconds: wait(45, "One call of the model."),
      })
      .prefault({})
      .meta({ description: "How long a request may take before it is answered with an error." }),
    limits: z
      .strictObject({
        bodyKb: z
          .int()
          .min(1)
          .max(1_048_576)
          .default(1024)
          .meta({ description: "Largest request body, and line of an import, in KiB." }),
        requestsPerSecond: z.number().min(0).max(100_000).default(50).meta({
          description: "Requests a second for each key, after a burst of four seconds; 0: no limit.",
        }),
      })
      .prefault({})
      .meta({ description: "What a client may send." }),
    graphSearch: z.enum(["names", "model", "off"]).default("names").meta({
      description:
        "How a search finds entities: by the names in the question, by asking the chat model as upstream does, or not.",
    }),
    allowReset: z
      .boolean()
      .default(false)
      .meta({ description: "Let an admin key delete everything with `POST /reset`." }),
    adoptExistingData: z.boolean().default(false).meta({
      description: "Take over tables that upstream's server filled. For one `up`, then out again.",
    }),
    acceptEmpty: z
      .array(z.enum(["graph", "history"]))
      .default([])
      .meta({
        description:
          "Stores that may start empty beside others that are not, after one was restored alone. For one `up`.",
        examples: [["graph"]],
      }),
  })
  .meta({ description: "How the memory server behaves." });

const limits = (memory: number, cpu: number) =>
  z.strictObject({
    memoryMb: memoryMb.default(memory).meta({ description: "Memory limit in MB." }),
    cpus: cpus.default(cpu).meta({ description: "CPU limit in cores." }),
  });

const resources = z
  .strictObject({
    server: limits(1024, 2).prefault({}).meta({ description: "Memory server." }),
    postgres: limits(1024, 2)
      .prefault({})
      .meta({ description: "PostgreSQL; a quarter of its memory is shared buffers." }),
    neo4j: limits(1024, 2)
      .extend({
        heapMb: z.int().min(256).max(65_536).default(384).meta({ description: "Java heap in MB." }),
        pageCacheMb: z
          .int()
          .min(32)
          .max(65_536)
          .default(128)
          .meta({ description: "Neo4j page cache in MB." }),
      })
      .prefault({})
      .meta({ description: "Neo4j." }),
    model: limits(512, 2).prefault({}).meta({ description: "Embedded model; unused with another provider." }),
    exporter: limits(160, 1).prefault({}).meta({ description: "Exporter." }),
    prometheus: limits(512, 1).prefault({}).meta({ description: "The stack's own Prometheus." }),
    grafana: limits(512, 1).prefault({}).meta({ description: "The stack's own Grafana." }),
  })
  .meta({ description: "Limits of each container." });

const share = z.number().min(0.01).max(1);

const alerts = z
  .strictObject({
    availability: z.number().min(0.5).max(0.9999).default(0.99).meta({
      description:
        "Objective: share of the requests that the server answers without an error of its own (5xx), over 30 days.",
    }),
    minimumRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .meta({ description: "With fewer requests in the time looked at, errors raise no alert." }),
    readSeconds: z
      .number()
      .min(0.01)
      .max(600)
      .default(1)
      .meta({ description: "Goal: 95 % of the reads take at most this long." }),
    writeSeconds: z
      .number()
      .min(0.01)
      .max(600)
      .default(5)
      .meta({ description: "Goal: 95 % of the writes take at most this long." }),
    connections: share
      .default(0.8)
      .meta({ description: "Share of PostgreSQL's connections that may be taken." }),
    diskFreeGb: z
      .number()
      .min(0.1)
      .max(100_000)
      .default(10)
      .meta({ description: "GB that have to be free on each disk of the stack." }),
    diskFullDays: z
      .number()
      .min(0.1)
      .max(365)
      .default(4)
      .meta({ description: "A disk that will be full within so many days raises an alert." }),
    backupRuns: z
      .number()
      .min(1.1)
      .max(100)
      .default(2)
      .meta({ description: "How many runs of its tier old the last good backup may be." }),
    drillDays: z
      .number()
      .min(1)
      .max(3650)
      .default(35)
      .meta({ description: "How many days old the last restore drill may be." }),
  })
  .meta({ description: "When an alert is raised; the dashboard's colours change at the same values." });

const grafana = z
  .strictObject({
    mode: z.enum(["container", "external", "off"]).default("container").meta({
      description:
        "A container of the stack, one that is there already, or none. Its image comes from a registry: where none answers, the container is left out with a warning.",
    }),
    url: baseUrl.optional().meta({
      description: "External Grafana as the host reaches it; needs the secret `mem0:grafanaAuth`.",
      examples: ["http://127.0.0.1:3000"],
    }),
    prometheusUrl: baseUrl.optional().meta({
      description:
        "Prometheus as Grafana reaches it. Left out: by name where both are containers of one network, else through the host.",
      examples: ["http://prometheus:9090"],
    }),
    adminUser: z
      .string()
      .regex(
        /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
        "a name: letters, digits, `_`, `.`, `-`, at most 63 characters",
      )
      .default("admin")
      .meta({ description: "Administrator of the stack's own Grafana, made at its first start for good." }),
    dashboardUid: z
      .string()
      .regex(/^[a-zA-Z0-9_-]{1,40}$/, "letters, digits, `_`, `-`, at most 40 characters")
      .default("mem0-dashboard")
      .meta({ description: "The dashboard's uid and address. Two stacks at one external Grafana need two." }),
    ownsPolicies: z.boolean().optional().meta({
      description:
        "Whether the stack sets the whole tree of notification policies. Left out: in its own Grafana it does, in an external one it does not, and each of its rules names the contact point itself.",
    }),
  })
  .meta({ description: "Who shows the metrics and tells of alerts." });

const observability = z
  .strictObject({
    exporter: z.enum(["container", "host", "off"]).default("container").meta({
      description:
        "Where the exporter runs; `host`: as a process of the host, started with `./mem0 exporter`.",
    }),
    prometheus: z
      .strictObject({
        mode: z.enum(["managed", "external", "off"]).default("managed").meta({
          description: "A container of the stack, or one that is there already and is told about the stack.",
        }),
        retentionDays: z
          .int()
          .min(1)
          .max(3650)
          .default(30)
          .meta({ description: "How long the managed Prometheus keeps what it scraped." }),
        job: z
          .string()
          .regex(
            /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/,
            "a job name: letters, digits, `_`, `-`, at most 63 characters",
          )
          .default("mem0-metrics")
          .meta({ description: "Name of the scrape job. Two stacks at one external Prometheus need two." }),
        container: dockerName
          .default("intel-prometheus-standalone")
          .meta({ description: "Container of the external Prometheus." }),
        mountedAt: z.string().regex(/^\/.+/, "an absolute path").default("/etc/prometheus/mem0").meta({
          description:
            "Where the external Prometheus has the stack's directory of rules and scrape job mounted (docs/observability.md).",
        }),
        url: baseUrl
          .default("http://127.0.0.1:9090")
          .meta({ description: "External Prometheus as the host reaches it, for `./mem0 metrics`." }),
      })
      .prefault({})
      .meta({ description: "Who scrapes, keeps and judges the metrics." }),
    alerts: alerts.prefault({}),
    grafana: grafana.prefault({}),
  })
  .meta({ description: "What watches the stack." });

const kept = (count: number) => z.int().min(0).max(10_000).default(count);

/** As age-keygen prints it; the key that opens it is kept elsewhere. */
const recipient = z.string().regex(/^age1[0-9a-z]+$/, "an age recipient, which begins with age1");

const backup = z
  .strictObject({
    root: hostPath.optional().meta({
      description:
        "Directory on the host that holds `hourly`, `daily`, `weekly` and `monthly`; best on another disk. " +
        "Left out: `backups` under the data root, or under the state home.",
      examples: ["/Volumes/Data/backups/mem0"],
    }),
    keep: z
      .strictObject({
        hourly: kept(24).meta({ description: "Hourly backups that are kept." }),
        daily: kept(7).meta({ description: "Daily backups that are kept." }),
        weekly: kept(4).meta({ description: "Weekly backups (of Sunday) that are kept." }),
        monthly: kept(12).meta({ description: "Monthly backups (of the 1st) that are kept." }),
      })
      .prefault({})
      .meta({ description: "How many of each tier are kept." }),
    format: z.enum(["custom", "plain"]).default("custom").meta({
      description: "Postgres dump: pg_dump's custom format with zstd, or plain SQL in a `.sql.gz`.",
    }),
    maxDropShare: z.number().min(0).max(1).default(0.2).meta({
      description:
        "A backup in which a count fell by more than this share since the last good one is suspect; so many memories gone raise an alert before that.",
    }),
    recipients: z
      .array(recipient)
      .max(20)
      .default([])
      .meta({
        description: "Age recipients that backups are encrypted to. None: backups are not encrypted.",
        examples: [["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]],
      }),
    copyTo: z
      .strictObject({
        path: hostPath.optional().meta({ description: "Second directory, on another disk." }),
        command: z
          .array(z.string().min(1))
          .min(1)
          .max(50)
          .optional()
          .meta({
            description:
              "Program with arguments that copies one backup elsewhere; `{directory}`, `{tier}` and `{id}` are filled in.",
            examples: [["rclone", "copy", "{directory}", "remote:mem0/{tier}/{id}"]],
          }),
      })
      .optional()
      .meta({ description: "Where every good backup is copied to after it was made." }),
  })
  .meta({ description: "Backups: where, how many, and what makes one suspect." });

const timeouts = z
  .strictObject({
    startSeconds: seconds
      .default(300)
      .meta({ description: "How long a container may take to become healthy." }),
  })
  .meta({ description: "How long things may take." });

const secret = z.string().min(8).max(4096);
const apiKey = z.string().regex(API_KEY, "16 characters or more, without spaces");

/** All groups of a stack file, without the `mem0:` prefix. */
export const stackSchema = z.strictObject({
  ports: ports.prefault({}),
  data: data.prefault({}),
  network: network.prefault({}),
  model,
  memory: memory.prefault({}),
  server: server.prefault({}),
  resources: resources.prefault({}),
  observability: observability.prefault({}),
  backup: backup.prefault({}),
  timeouts: timeouts.prefault({}),
  openaiApiKey: secret.optional().meta({
    description: "Key of the model's API. Secret: `pulumi config set --secret mem0:openaiApiKey`.",
  }),
  apiKey: apiKey.optional().meta({
    description: "The owner's key of the memory server, used by the verbs. Secret; generated when left out.",
  }),
  apiKeys: secret.optional().meta({
    description:
      "Keys of `server.keys` that are given rather than generated, one `name key` a line. Secret: " +
      "`printf 'bot KEY\\n' | pulumi config set --secret mem0:apiKeys`.",
  }),
  grafanaAuth: secret.optional().meta({
    description: "`user:password` or service account token of an external Grafana. Secret.",
  }),
  alertWebhookUrl: baseUrl.optional().meta({
    description:
      "Where Grafana sends alerts, as JSON. Secret, since such addresses often hold a token. Left out: alerts are shown and nobody is told.",
  }),
});

/** Groups whose values are secret: they come as plain strings and never appear in clear. */
export const SECRET_KEYS = ["openaiApiKey", "apiKey", "apiKeys", "grafanaAuth", "alertWebhookUrl"] as const;

/** A stack file as written, defaults filled in. */
export type StackFile = z.output<typeof stackSchema>;
