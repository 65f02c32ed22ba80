import { z } from "zod";
import { keyName } from "../../config/explain.ts";
import { SECRET_KEYS, stackSchema } from "../../config/schema.ts";
import type { AlertOptions } from "../../observability/alerts/alert.ts";
import { alertOptions } from "../../observability/alerts.ts";
import { dashboardJson } from "../../observability/dashboard/dashboard.ts";
import { metricsReference } from "../../observability/metrics-reference.ts";
import { prometheusRules } from "../../observability/prometheus-rules.ts";

/** The part of JSON Schema that our settings use. */
interface Node {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[];
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  required?: string[];
  properties?: Record<string, Node>;
  additionalProperties?: Node | false;
  items?: Node;
  oneOf?: Node[];
  anyOf?: Node[];
}

/** The generated files, relative to the checkout. A test compares them with the schema. */
export const GENERATED = [
  { file: "config/stack.schema.json", render: () => `${JSON.stringify(stackFileSchema(), null, 2)}\n` },
  { file: "docs/settings.md", render: settingsReference },
  { file: "docs/metrics.md", render: metricsReference },
  { file: "dashboards/mem0-dashboard.json", render: () => dashboardJson(defaultAlerts()) },
  { file: "dashboards/prometheus-rules.yml", render: () => prometheusRules(defaultAlerts()) },
];

/** What a PRD stack without further settings watches, for those who import it by hand. */
function defaultAlerts(): AlertOptions {
  return alertOptions({
    stack: "prd",
    telegram: undefined,
    ...stackSchema.parse({ model: { provider: "embedded" } }),
  });
}

/** JSON Schema of a whole Pulumi.<stack>.yaml, for editors. */
function stackFileSchema(): object {
  const { properties = {}, required = [] } = settingsNode();
  const secret = { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] };
  const config = Object.fromEntries(
    Object.entries(properties).map(([key, node]) => [
      keyName([key]),
      isSecret(key) ? { ...secret, description: node.description } : node,
    ]),
  );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Stack file of mem0 on one host",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: config,
        required: required.map((key) => keyName([key])),
        additionalProperties: false,
      },
      encryptionsalt: { type: "string" },
      secretsprovider: { type: "string" },
    },
    required: ["config"],
    additionalProperties: false,
  };
}

/** docs/settings.md: every setting with its meaning, bounds and default. */
function settingsReference(): string {
  const { properties = {}, required = [] } = settingsNode();
  const groups = Object.entries(properties)
    .filter(([key]) => !isSecret(key))
    .map(([key, node]) => groupReference(key, node, required.includes(key)));
  const secrets = SECRET_KEYS.map(
    (key) => `| \`${keyName([key])}\` | ${properties[key]?.description ?? ""} |`,
  );
  return [
    "# Settings",
    "",
    "What `Pulumi.<stack>.yaml` may say. Written by `node scripts/cli/write-references.ts` from `config/schema.ts`; do not edit.",
    "Unknown keys, wrong types and contradictions are refused all at once, before anything changes.",
    "",
    ...groups.flat(),
    "## Secrets",
    "",
    "| key | meaning |",
    "| --- | --- |",
    ...secrets,
    "",
  ].join("\n");
}

function settingsNode(): Node {
  return z.toJSONSchema(stackSchema, { io: "input", reused: "inline" }) as Node;
}

function isSecret(key: string): boolean {
  return SECRET_KEYS.some((secret) => secret === key);
}

function groupReference(key: string, node: Node, required: boolean): string[] {
  const heading = [
    `## \`${keyName([key])}\``,
    "",
    `${node.description ?? ""}${required ? " Required." : ""}`,
    "",
  ];
  if (node.oneOf === undefined) return [...heading, ...table(rows(node, "")), ""];
  const options = node.oneOf.flatMap((option) => [
    `With provider \`${option.title}\`:`,
    "",
    ...table(rows(option, "")),
    "",
  ]);
  return [...heading, ...options];
}

function table(lines: string[]): string[] {
  return ["| key | meaning | allowed | default |", "| --- | --- | --- | --- |", ...lines];
}

function rows(group: Node, prefix: string): string[] {
  return Object.entries(group.properties ?? {}).flatMap(([key, node]) => {
    if (node.properties !== undefined) return rows(node, `${prefix}${key}.`);
    const mandatory = group.required?.includes(key) === true && node.const === undefined;
    const fallback = node.default === undefined ? (mandatory ? "required" : "") : code(node.default);
    const example = node.examples?.[0] === undefined ? "" : ` E.g. ${code(node.examples[0])}.`;
    return [`| \`${prefix}${key}\` | ${node.description ?? ""}${example} | ${allowed(node)} | ${fallback} |`];
  });
}

function allowed(node: Node): string {
  if (node.const !== undefined) return code(node.const);
  if (node.anyOf !== undefined) return node.anyOf.map(allowed).join(", or ");
  if (node.enum !== undefined) return node.enum.map(code).join(", ");
  if (node.properties !== undefined) return `a group of ${Object.keys(node.properties).map(code).join(", ")}`;
  if (node.items !== undefined) return `list of ${allowed(node.items)}`;
  if (node.additionalProperties) return `names, each with ${allowed(node.additionalProperties)}`;
  if (node.type === "integer" || node.type === "number") return `${node.minimum} to ${node.maximum}`;
  return node.type === "boolean" ? "true, false" : "text";
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
