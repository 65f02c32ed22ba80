import { createHash } from "node:crypto";
import path from "node:path";
import { botKey, givenKeys } from "./api-keys.ts";
import { explain } from "./explain.ts";
import { type ModelSettings, modelSettings } from "./model.ts";
import { type Names, namesFor, STACK_NAME } from "./names.ts";
import { rules } from "./rules.ts";
import { SECRET_KEYS, type StackFile, stackSchema } from "./schema.ts";

/** Everything that a component may need to know; no secrets. */
export interface Settings {
  stack: string;
  names: Names;
  ports: StackFile["ports"];
  /** Directory of the data on the host; undefined means named volumes. */
  dataRoot: string | undefined;
  /** 0700 directory of this stack on the host: manifest and secret files. */
  stateDir: string;
  externalNetwork: { name: string; create: boolean } | undefined;
  /** Host names that the stack answers to beside its own; `allowedHosts` has them all. */
  hostNames: readonly string[];
  /** Keys of the ports that are not published. */
  closedPorts: StackFile["network"]["closedPorts"];
  model: ModelSettings;
  memory: StackFile["memory"];
  server: StackFile["server"];
  resources: StackFile["resources"];
  observability: StackFile["observability"];
  /** With the root and the second directory as absolute paths. */
  backup: StackFile["backup"] & { root: string };
  schedule: StackFile["schedule"];
  /** The Grafana that there is in fact; `left-out`: its image cannot be had on this machine. */
  grafana: StackFile["observability"]["grafana"]["mode"] | "left-out";
  /** Undefined: there is no bot. */
  telegram: StackFile["telegram"];
  alerts: StackFile["alerts"];
  startSeconds: number;
  runAs: Host["runAs"];
  dockerHost: string;
  baseImage: string;
  /** Tells this machine set-up apart from others on the same Docker engine. */
  homeId: string;
}

/** What settings depend on of the machine, as set-up found it out. */
export interface Host {
  /** The home directory that `~/` stands for. */
  home: string;
  docker: { host: string };
  /** Where base images come from: an image registry, or Debian's packages. */
  images: "registry" | "packages";
  /** Tag of the local image that all our images are built on. */
  baseImage: string;
  /** User that all containers run as. */
  runAs: { uid: number; gid: number };
  /** Directory of backend, passphrase, manifests and secret files. */
  stateHome: string;
}

/** Secrets given by the user, in clear: the program wraps them at once. */
export interface GivenSecrets {
  openaiApiKey?: string;
  apiKey?: string;
  grafanaAuth?: string;
  alertWebhookUrl?: string;
  telegramToken?: string;
  telegramChat?: string;
  /** Keys of `server.keys`, by name. */
  apiKeys?: Record<string, string>;
}

export type Parsed =
  | { ok: true; settings: Settings; given: GivenSecrets }
  | { ok: false; mistakes: string[] };

/**
 * Turns a stack's configuration into settings, or into the list of ALL its mistakes.
 *
 * @param config keys without prefix, e.g. `ports`, with values as Pulumi hands them over: JSON text for groups,
 *   plain text for secrets.
 */
export function parseSettings(stack: string, config: Record<string, string>, host: Host): Parsed {
  const checked = check(stack, config);
  if (!checked.ok) return checked;
  const { openaiApiKey, apiKey, apiKeys, grafanaAuth, alertWebhookUrl, telegramToken, telegramChat } =
    checked.file;
  const given: GivenSecrets = {
    ...(openaiApiKey === undefined ? {} : { openaiApiKey }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(apiKeys === undefined ? {} : { apiKeys: givenKeys(apiKeys) }),
    ...(grafanaAuth === undefined ? {} : { grafanaAuth }),
    ...(alertWebhookUrl === undefined ? {} : { alertWebhookUrl }),
    ...(telegramToken === undefined ? {} : { telegramToken }),
    ...(telegramChat === undefined ? {} : { telegramChat }),
  };
  return { ok: true, settings: Object.freeze(derive(stack, checked.file, host)), given };
}

/** All mistakes of a stack's configuration that can be known without the machine that it is for. */
export function settingsMistakes(stack: string, config: Record<string, string>): string[] {
  const checked = check(stack, config);
  return checked.ok ? [] : checked.mistakes;
}

function check(
  stack: string,
  config: Record<string, string>,
): { ok: true; file: StackFile } | { ok: false; mistakes: string[] } {
  const mistakes: string[] = [];
  if (!STACK_NAME.test(stack)) {
    mistakes.push(`stack "${stack}": allowed: lower case letters and digits, a letter first, at most 20`);
  }
  const raw = decode(config);
  const parsed = stackSchema.safeParse(raw);
  if (!parsed.success) {
    mistakes.push(...parsed.error.issues.flatMap((issue) => explain(issue, raw)));
    return { ok: false, mistakes };
  }
  mistakes.push(...rules.flatMap((rule) => rule(parsed.data, stack)));
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, file: parsed.data };
}

function decode(config: Record<string, string>): Record<string, unknown> {
  const raw: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(config)) {
    if (SECRET_KEYS.some((secret) => secret === key)) {
      raw[key] = text;
      continue;
    }
    try {
      raw[key] = JSON.parse(text);
    } catch {
      raw[key] = text;
    }
  }
  return raw;
}

function derive(stack: string, file: StackFile, host: Host): Settings {
  // Resolved, so that a slash at the end makes no other place of it.
  const absolute = (place: string) => path.resolve(place.replace(/^~(?=\/)/, host.home));
  const dataRoot = file.data.root === undefined ? undefined : absolute(file.data.root);
  const { root, copyTo } = file.backup;
  const besideData =
    dataRoot === undefined ? path.join(host.stateHome, "backups", stack) : path.join(dataRoot, "backups");
  return {
    stack,
    names: namesFor(stack),
    ports: file.ports,
    dataRoot,
    stateDir: path.join(host.stateHome, "stacks", stack),
    externalNetwork: file.network.external,
    hostNames: file.network.hostNames,
    closedPorts: file.network.closedPorts,
    model: modelSettings(file.model),
    memory: file.memory,
    server: { ...file.server, keys: { ...file.server.keys, ...botKey(file) } },
    resources: file.resources,
    observability: file.observability,
    backup: {
      ...file.backup,
      root: root === undefined ? besideData : absolute(root),
      copyTo: copyTo?.path === undefined ? copyTo : { ...copyTo, path: absolute(copyTo.path) },
    },
    schedule: {
      ...file.schedule,
      ...(file.schedule.identity === undefined ? {} : { identity: absolute(file.schedule.identity) }),
    },
    grafana: grafanaOn(host, file.observability.grafana.mode),
    telegram: file.telegram,
    alerts: file.alerts,
    startSeconds: file.timeouts.startSeconds,
    runAs: host.runAs,
    dockerHost: host.docker.host,
    baseImage: host.baseImage,
    homeId: homeIdOf(host.stateHome),
  };
}

function grafanaOn({ images }: Host, wanted: Exclude<Settings["grafana"], "left-out">): Settings["grafana"] {
  return wanted === "container" && images !== "registry" ? "left-out" : wanted;
}

/** Short name of a set-up on this host, which labels what it made in Docker. */
export function homeIdOf(stateHome: string): string {
  return createHash("sha256").update(stateHome).digest("hex").slice(0, 12);
}
