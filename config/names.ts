/** Services whose images are built from `services/`. */
export const BUILT_SERVICES = [
  "postgres",
  "neo4j",
  "model",
  "server",
  "metrics_exporter",
  "prometheus",
  "gate",
  "telegram_bot",
] as const;

export type BuiltService = (typeof BUILT_SERVICES)[number];

/** What a stack stores, by the name of its volume, or of its directory under the data root. */
export const STORES = ["postgres", "neo4j", "data", "prometheus", "grafana", "telegram_bot"] as const;

export type StoreName = (typeof STORES)[number];

/** The services of a stack, by the name other containers reach them under. */
export const SERVICES = [...BUILT_SERVICES, "grafana"] as const;

export type Service = (typeof SERVICES)[number];

/** Directory of a service's source under `services/`, where it is not the service's own name. */
export const SOURCES: Partial<Record<BuiltService, string>> = {
  metrics_exporter: "exporter",
  telegram_bot: "telegram-bot",
};

/**
 * Images that are nobody's source here, pinned by tag and by the digest of their index over all platforms. To move to
 * another version change both.
 */
export const FOREIGN_IMAGES: Record<Exclude<Service, BuiltService>, string> = {
  grafana: "grafana/grafana:12.4.5@sha256:26b8f35a9e4e4431995cf64c3f396505a4faf17bcfc19f9ed84943ec6bfd5ecd",
};

/** PostgreSQL cuts longer names of tables, indexes, roles and databases off without a word: NAMEDATALEN less one. */
export const POSTGRES_NAME_BYTES = 63;

/** The longest ending that the memory server puts behind the collection's name: its indexes are named so. */
export const LONGEST_INDEX_ENDING = "_agent_id_idx";

/** Longest name of a collection: the names of its indexes must still be different ones. */
export const COLLECTION_LENGTH = POSTGRES_NAME_BYTES - LONGEST_INDEX_ENDING.length;

/** Port on which the Telegram bot tells how it is; not published. */
export const BOT_PORT = 9465;

/** The Telegram bot's own key of the memory server. */
export const BOT_KEY = "telegram_bot";

/**
 * For how long the memory server of a stack with a bot knows an Idempotency-Key: the longest that it allows, since what is
 * in the bot's inbox waits as long as the server is away.
 */
export const BOT_KEY_HOURS = 30 * 24;

/** Every name a stack gives to things on the host, so that two stacks never meet. */
export interface Names {
  container: (service: Service) => string;
  volume: (store: string) => string;
  /** Of the services among themselves; nothing leads out of it. */
  internalNetwork: string;
  /** Of what is published on the host; nothing leads out of it either. */
  edgeNetwork: string;
  /** Of the Telegram bot and those it talks to in the stack; nothing leads out of it. */
  botNetwork: string;
  /** Of what has to reach the Internet or the host. */
  outwardNetwork: string;
  database: string;
  databaseUser: string;
  /** Role of the exporter: reads everything, writes nothing. */
  metricsUser: string;
}

/** Stack names become part of container, database and directory names. */
export const STACK_NAME = /^[a-z][a-z0-9]{0,19}$/;

/** Names for `stack`, e.g. `mem0_postgres_prd`. */
export function namesFor(stack: string): Names {
  return {
    container: (service) => `mem0_${service}_${stack}`,
    volume: (store) => `mem0_${store}_${stack}`,
    internalNetwork: `mem0_internal_${stack}`,
    edgeNetwork: `mem0_edge_${stack}`,
    botNetwork: `mem0_bot_${stack}`,
    outwardNetwork: `mem0_outward_${stack}`,
    database: `mem0_${stack}`,
    databaseUser: `mem0_user_${stack}`,
    metricsUser: `mem0_metrics_${stack}`,
  };
}

/** Where a stack's directory on the host keeps the runbook, as a page that the exporter serves. */
export const RUNBOOK_FILE = "runbook.html";

/** Labels by which the verbs know our containers. `home` tells apart checkouts with stacks of one name. */
export const LABELS = { stack: "mem0.stack", service: "mem0.service", home: "mem0.home" } as const;
