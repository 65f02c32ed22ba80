import { keyMistakes } from "./api-keys.ts";
import { cronMistake, sameMinute } from "./cron.ts";
import { cpusSpelling, nearestCpus } from "./docker-spelling.ts";
import { givingSecret, keyName } from "./explain.ts";
import { modelSettings } from "./model.ts";
import { BOT_KEY } from "./names.ts";
import { JOB_NAMES } from "./schema/schedule.ts";
import type { StackFile } from "./schema.ts";

/** A rule between settings: returns one line per mistake, none when all is well. */
export type Rule = (file: StackFile, stack: string) => string[];

/**
 * What Neo4j's JVM needs beside heap and page cache, in MB: 128 direct memory, 256 metaspace, 96 code cache, the
 * values set in the image; measured to fit.
 */
export const NEO4J_OVERHEAD_MB = 480;

/** Dimensions that OpenAI's embedding models can answer with, from their documentation; the largest is native. */
const OPENAI_DIMENSIONS: Record<string, { max: number; fixed: boolean }> = {
  "text-embedding-3-small": { max: 1536, fixed: false },
  "text-embedding-3-large": { max: 3072, fixed: false },
  "text-embedding-ada-002": { max: 1536, fixed: true },
};

export const rules: readonly Rule[] = [
  portsDiffer,
  cpusLast,
  neo4jMemoryFits,
  openaiModelMatchesDimensions,
  openaiHasKey,
  partsAreComplete,
  keyMistakes,
  prometheusHasExporter,
  copyGoesOneWay,
  copiedFilesAreEncrypted,
  grafanaHasPrometheus,
  externalGrafanaIsNamed,
  jobsComeOneByOne,
  botHasToken,
  botHasItsKey,
];

function portsDiffer({ ports }: StackFile): string[] {
  const users = Map.groupBy(Object.entries(ports), ([, port]) => port);
  return [...users]
    .filter(([, entries]) => entries.length > 1)
    .map(([port, entries]) => {
      const keys = entries.map(([key]) => keyName(["ports", key]));
      return `${keys.join(" and ")}: both are ${port}; allowed: every port once`;
    });
}

/** A limit that Docker's plugin reads back as another one would replace its container at every `up`. */
function cpusLast({ resources }: StackFile): string[] {
  return Object.entries(resources)
    .filter(([, { cpus }]) => cpusSpelling(cpus) === undefined)
    .map(
      ([service, { cpus }]) =>
        `${keyName(["resources", service, "cpus"])}: is ${cpus}; allowed: ${nearestCpus(cpus)} ` +
        "(the official docker plugin reads what was given back as another number, and would replace the container at every up)",
    );
}

function neo4jMemoryFits({ resources: { neo4j } }: StackFile): string[] {
  const needed = neo4j.heapMb + neo4j.pageCacheMb + NEO4J_OVERHEAD_MB;
  if (needed <= neo4j.memoryMb) return [];
  return [
    `${keyName(["resources", "neo4j", "memoryMb"])}: is ${neo4j.memoryMb}; allowed: at least ${needed} ` +
      `(heapMb ${neo4j.heapMb} + pageCacheMb ${neo4j.pageCacheMb} + ${NEO4J_OVERHEAD_MB} for the JVM)`,
  ];
}

function openaiModelMatchesDimensions({ model }: StackFile): string[] {
  const { provider, model: embedder, dimensions } = modelSettings(model).embedder;
  if (provider !== "openai") return [];
  const at = (...path: string[]) =>
    keyName(["model", ...(model.provider === "mixed" ? ["embedder"] : []), ...path]);
  const known = OPENAI_DIMENSIONS[embedder];
  if (known === undefined) {
    const names = Object.keys(OPENAI_DIMENSIONS).join(", ");
    return [
      `${at(model.provider === "mixed" ? "model" : "embedder")}: is ${JSON.stringify(embedder)}; allowed: ${names}`,
    ];
  }
  const fits = known.fixed ? dimensions === known.max : dimensions <= known.max;
  if (fits) return [];
  const allowed = known.fixed ? `${known.max}` : `at most ${known.max}`;
  return [`${at("dimensions")}: is ${dimensions}; allowed: ${allowed} with ${embedder}`];
}

/** What each provider of a mixed model needs, and what it has no use for. */
function partsAreComplete({ model }: StackFile): string[] {
  if (model.provider !== "mixed") return [];
  return (["llm", "embedder"] as const).flatMap((part) => {
    const { provider, ...given } = model[part];
    const names = part === "llm" ? ["model", "baseUrl"] : ["model", "baseUrl", "dimensions"];
    const [needed, refused] = {
      "openai-compatible": [names, []],
      openai: [[], ["baseUrl"]],
      embedded: [[], names],
    }[provider] as [string[], string[]];
    const at = (name: string) => keyName(["model", part, name]);
    return [
      ...needed
        .filter((name) => !(name in given))
        .map((name) => `${at(name)}: missing; needed with ${provider}`),
      ...refused
        .filter((name) => name in given)
        .map((name) => `${at(name)}: has no meaning with ${provider}; take it out`),
    ];
  });
}

function openaiHasKey({ model, openaiApiKey }: StackFile, stack: string): string[] {
  const { llm, embedder } = modelSettings(model);
  if (openaiApiKey !== undefined || ![llm, embedder].some(({ provider }) => provider === "openai")) return [];
  return [
    `${keyName(["openaiApiKey"])}: missing; needed with provider openai: ${givingSecret("openaiApiKey", stack)}`,
  ];
}

function prometheusHasExporter({ observability: { exporter, prometheus } }: StackFile): string[] {
  if (exporter !== "off" || prometheus.mode === "off") return [];
  return [
    `${keyName(["observability", "exporter"])}: is off; allowed with a Prometheus (mode ${prometheus.mode}): container, host; ` +
      `or set ${keyName(["observability", "prometheus", "mode"])}: off`,
  ];
}

function copyGoesOneWay({ backup: { copyTo } }: StackFile): string[] {
  if (copyTo === undefined || (copyTo.path === undefined) !== (copyTo.command === undefined)) return [];
  return [`${keyName(["backup", "copyTo"])}: allowed: either path or command`];
}

function copiedFilesAreEncrypted({ backup: { hourlyFiles, recipients } }: StackFile): string[] {
  if (!hourlyFiles || recipients.length > 0) return [];
  return [
    `${keyName(["backup", "recipients"])}: missing; needed with ${keyName(["backup", "hourlyFiles"])}, for Postgres' ` +
      "files hold the roles' password verifiers: [age1...], as age-keygen prints it",
  ];
}

function grafanaHasPrometheus({ observability: { grafana, prometheus } }: StackFile): string[] {
  if (grafana.mode === "off" || prometheus.mode !== "off") return [];
  return [
    `${keyName(["observability", "prometheus", "mode"])}: is off; allowed with a Grafana (mode ${grafana.mode}): managed, external; ` +
      `or set ${keyName(["observability", "grafana", "mode"])}: off`,
  ];
}

function externalGrafanaIsNamed(
  { observability: { grafana }, grafanaAuth }: StackFile,
  stack: string,
): string[] {
  if (grafana.mode !== "external") return [];
  const url = keyName(["observability", "grafana", "url"]);
  const auth = keyName(["grafanaAuth"]);
  return [
    ...(grafana.url === undefined
      ? [`${url}: missing; needed with mode external: its address, e.g. http://127.0.0.1:3000`]
      : []),
    ...(grafanaAuth === undefined
      ? [
          `${auth}: missing; needed with mode external, user:password or a token: ${givingSecret("grafanaAuth", stack)}`,
        ]
      : []),
  ];
}

function botHasToken({ telegram, telegramToken }: StackFile, stack: string): string[] {
  if (telegram === undefined || telegramToken !== undefined) return [];
  return [
    `${keyName(["telegramToken"])}: missing; needed with ${keyName(["telegram"])}, as @BotFather tells it: ${givingSecret("telegramToken", stack)}`,
  ];
}

function botHasItsKey({ telegram, server }: StackFile): string[] {
  if (telegram === undefined || !(BOT_KEY in server.keys)) return [];
  return [`${keyName(["server", "keys", BOT_KEY])}: is the Telegram bot's own key; take another name`];
}

/** Jobs that hold the lock on the stack's backups: of two that begin at once, one would wait for the other. */
const TAKING_TURNS = ["backup", "hourly", "verify", "drill"] as const;

function jobsComeOneByOne({ schedule: { jobs } }: StackFile): string[] {
  const at = (job: string) => keyName(["schedule", "jobs", job]);
  const mistakes = JOB_NAMES.flatMap((job) => {
    const mistake = jobs[job] === "off" ? undefined : cronMistake(jobs[job]);
    return mistake === undefined
      ? []
      : [`${at(job)}: is ${JSON.stringify(jobs[job])}, which ${mistake}; allowed: e.g. "30 2 * * *", or off`];
  });
  if (mistakes.length > 0) return mistakes;
  const on = TAKING_TURNS.filter((job) => jobs[job] !== "off");
  return on.flatMap((job, index) =>
    on.slice(index + 1).flatMap((other) => {
      const time = sameMinute(jobs[job], jobs[other], new Date());
      if (time === undefined) return [];
      const minute = time.toISOString().slice(0, 16).replace("T", " ");
      return [
        `${at(job)} and ${at(other)}: both begin at ${minute}; allowed: another minute for one of them`,
      ];
    }),
  );
}
