import { readFile } from "node:fs/promises";
import path from "node:path";
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Properties = { [key: string]: Json };

export interface RecordedEdit {
  resource: string;
  edit: Properties;
  /** Only resources that change. */
  result: Record<string, { ops: string[]; replace: string[]; diff: string[] }>;
  error?: string[];
}

/** The official plugins' behaviour, recorded by running them; `about` in the file tells how. */
export interface Contract {
  base: Record<string, { type: string; inputs: Properties; outputs: Properties }>;
  edits: RecordedEdit[];
}

export async function readContract(): Promise<Contract> {
  return JSON.parse(await readFile(path.join(import.meta.dirname, "official-plugins.json"), "utf8"));
}

/** A resource of our own program, with its outputs after `up` and `refresh`. */
export interface RecordedResource {
  type: string;
  name: string;
  inputs: Properties;
  outputs: Properties;
}

/** Our own program under the official plugins, as a TEST stack (`test`) and in PRD's form (`prd-like`). */
export async function readProgramRecord(): Promise<Record<"test" | "prd-like", RecordedResource[]>> {
  const file = path.join(import.meta.dirname, "program-under-official-plugins.json");
  return JSON.parse(await readFile(file, "utf8")).programs;
}

type Constructor = new (
  name: string,
  args: never,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;
/** The classes of the recorded resources, by type. */
export const CONSTRUCTORS: Record<string, Constructor> = {
  "command:local:Command": command.local.Command,
  "docker:index/container:Container": docker.Container,
  "docker:index/network:Network": docker.Network,
  "docker:index/remoteImage:RemoteImage": docker.RemoteImage,
  "docker:index/volume:Volume": docker.Volume,
  "random:index/randomId:RandomId": random.RandomId,
  "random:index/randomPassword:RandomPassword": random.RandomPassword,
};

/** Stands for a value that is another at each run. */
const VARIES = "<varies>";

/**
 * The differences between a recorded value and the real one, as paths; lists are compared without their order, which
 * the official plugin does not keep.
 */
export function deviations(recorded: Json, real: Json | undefined, at = ""): string[] {
  if (recorded === VARIES) return real === undefined ? [`${at}: missing`] : [];
  if (Array.isArray(recorded) && Array.isArray(real)) {
    const [left, right] = [recorded, real].map((list) =>
      [...list].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1)),
    );
    if (left?.length !== right?.length)
      return [`${at}: ${JSON.stringify(recorded)} became ${JSON.stringify(real)}`];
    return (left ?? []).flatMap((element, index) => deviations(element, right?.[index], `${at}[${index}]`));
  }
  if (isObject(recorded) && isObject(real)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(real)]);
    return [...keys].flatMap((key) => {
      const wanted = recorded[key];
      const path = at === "" ? key : `${at}.${key}`;
      return wanted === undefined ? [`${path}: not in the record`] : deviations(wanted, real[key], path);
    });
  }
  return recorded === real ? [] : [`${at}: ${JSON.stringify(recorded)} became ${JSON.stringify(real)}`];
}

/** A value with the names, paths and ports of this run in place of the recorded ones. */
export function renamed<Value>(value: Value, names: Record<string, string | number>): Value {
  const texts = Object.keys(names)
    .sort((left, right) => right.length - left.length)
    .map((name) => name.replaceAll(".", "\\."));
  const pattern = new RegExp(`(?<![\\w-])(${texts.join("|")})(?![\\w-])`, "g");
  const rename = (json: Json): Json => {
    if (typeof json === "string") return json.replace(pattern, (name) => String(names[name] ?? name));
    if (typeof json === "number") return Number(names[json] ?? json);
    if (Array.isArray(json)) return json.map(rename);
    if (!isObject(json)) return json;
    return Object.fromEntries(Object.entries(json).map(([key, element]) => [key, rename(element)]));
  };
  return rename(value as Json) as Value;
}

function isObject(value: Json | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Independent of the order of keys. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${key}:${canonical(value[key] ?? null)}`)
    .join(",")}}`;
}
