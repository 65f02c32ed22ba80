import { z } from "zod";
import { COLLECTION_LENGTH } from "./names.ts";
import { alerts } from "./schema/alerts.ts";
import { backup } from "./schema/backup.ts";
import {
  baseUrl,
  cpus,
  dockerName,
  hostName,
  hostPath,
  memoryMb,
  port,
  seconds,
  userName,
} from "./schema/kinds.ts";
import { model } from "./schema/model.ts";
import { observability } from "./schema/observability.ts";
import { schedule } from "./schema/schedule.ts";
import { telegram, telegramChat, telegramToken } from "./schema/telegram.ts";

/**
 * What a stack file may say: the one statement of every setting, its bounds, its default and its meaning.
 * The editor schema (config/stack.schema.json) and docs/settings.md are generated from here.
 */

/** The memory server takes no shorter key, and keys are words in a file. */
export const API_KEY = /^\S{16,4096}$/;

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
        "Directory on the host that holds `postgres`, `neo4j` and `data`. Left out: named Docker volumes, which alone are safe for databases on a Mac.",
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
    hostNames: z
      .array(hostName)
      .max(32)
      .default([])
      .meta({
        description:
          "Names under which a browser or client may ask for what the stack publishes, beside loopback's, " +
          "`host.docker.internal` and the containers' own. Any other name is refused, so that no page of another " +
          "site reads memories through a name that it points at this machine.",
        examples: [["mac.tail1234.ts.net"]],
      }),
    closedPorts: z
      .array(z.enum(["neo4jHttp", "exporter", "prometheus"]))
      .default([])
      .meta({
        description:
          "Ports that are not published, by their key in `ports`: those that answer without a password. No other user of " +
          "the machine gets to them then; the services reach each other all the same. `./mem0 metrics` asks the exporter's, " +
          "and Prometheus' for what was.",
        examples: [["exporter", "prometheus", "neo4jHttp"]],
      }),
  })
  .meta({ description: "Networks beside the stack's own, and the names the stack answers to." });

const memory = z
  .strictObject({
    defaultUser: userName
      .default("me")
      .meta({ description: "User that `remember` and `recall` mean when no `--user` is given." }),
    collection: z
      .string()
      .regex(
        new RegExp(`^(?!mem0_)[a-z][a-z0-9_]{0,${COLLECTION_LENGTH - 1}}$`),
        `a table name: lower case letters, digits and \`_\`, at most ${COLLECTION_LENGTH} characters, not \`mem0_...\``,
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
const boundKey = z.strictObject({
  role: z
    .enum(["read", "write"])
    .meta({ description: "What the key may do; what an admin does concerns every user." }),
  users: z
    .array(userName)
    .min(1)
    .max(100)
    .meta({ description: "Users whose memories the key sees and changes; it reaches nobody else's." }),
});
const wait = (fallback: number, description: string) => seconds.default(fallback).meta({ description });

const server = z
  .strictObject({
    keys: z
      .record(keyOwner, z.union([role, boundKey]))
      .default({})
      .meta({
        description:
          "API keys beside the owner's own (`cli`, admin), with what each may do: `read`, `write` (also reads), `admin` " +
          "(all). `{role, users}` binds a key to users: it sees and changes nobody else's memories. Each is generated " +
          "into `secrets/api_key_<name>`, unless `mem0:apiKeys` gives it.",
        examples: [{ person: "admin", bot: { role: "write", users: ["me"] } }],
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
        requestsAtOnce: z.int().min(1).max(1000).default(16).meta({
          description:
            "Requests of one key under way at once; its others get 429. `/ready` and `/admin` have a lane of their own.",
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
    gate: limits(128, 1).prefault({}).meta({ description: "What publishes the ports of the others." }),
    bot: limits(128, 0.5).prefault({}).meta({ description: "Telegram bot; unused without `telegram`." }),
  })
  .meta({ description: "Limits of each container." });

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
  schedule: schedule.prefault({}),
  timeouts: timeouts.prefault({}),
  telegram: telegram.optional(),
  alerts: alerts.prefault({}),
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
      "Where Grafana and the stack itself send alerts, as JSON. Secret, since such addresses often hold a token. Left out, without a Telegram chat: alerts are shown and nobody is told.",
  }),
  telegramToken: telegramToken.optional(),
  telegramChat: telegramChat.optional(),
});

/** Groups whose values are secret: they come as plain strings and never appear in clear. */
export const SECRET_KEYS = [
  "openaiApiKey",
  "apiKey",
  "apiKeys",
  "grafanaAuth",
  "alertWebhookUrl",
  "telegramToken",
  "telegramChat",
] as const;

/** A stack file as written, defaults filled in. */
export type StackFile = z.output<typeof stackSchema>;
