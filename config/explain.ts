import { z } from "zod";
import { SECRET_KEYS, stackSchema } from "./schema.ts";

/** The part of JSON Schema that our settings use. */
interface SchemaNode {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | false;
  items?: SchemaNode;
  /** Groups that differ by their provider. */
  oneOf?: SchemaNode[];
  /** A short form, and a group that says more. */
  anyOf?: SchemaNode[];
}

type Issue = z.core.$ZodIssue;

const root = z.toJSONSchema(stackSchema, { io: "input", reused: "inline" }) as SchemaNode;

/** One line for a person: the key, what it is now, what is allowed. Values of secrets are never shown. */
export function explain(issue: Issue, raw: unknown): string[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const allowed = Object.keys(propertiesAt(path, raw)).join(", ");
    return issue.keys.map((key) => `${keyName([...path, key])}: unknown key; allowed here: ${allowed}`);
  }
  if (issue.code === "invalid_key") {
    return [
      `${keyName(path)}: unusable name; allowed: ${issue.issues.map(({ message }) => message).join(", ")}`,
    ];
  }
  const value = valueAt(raw, path);
  if (issue.code === "invalid_union" && typeof value === "object" && value !== null) {
    const longer = issue.errors.find((issues) => issues.every(isWithin)) ?? [];
    return longer.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] }, raw));
  }
  const allowed =
    issue.code === "invalid_format" ? issue.message : describe(nodeAt(path, raw), issue.message);
  if (value === undefined) return [`${keyName(path)}: missing; needed: ${allowed}`];
  const shown = SECRET_KEYS.some((key) => key === path[0]) ? "is not usable" : `is ${JSON.stringify(value)}`;
  return [`${keyName(path)}: ${shown}; allowed: ${allowed}`];
}

/** Whether something in a group is wrong, rather than that it is a group. */
function isWithin({ code, path }: Issue): boolean {
  return code === "unrecognized_keys" || path.length > 0;
}

/** The name of a setting as the stack file and `pulumi config` spell it. */
export function keyName(path: readonly string[]): string {
  return `mem0:${path.join(".")}`;
}

/** The command that gives a stack a secret. It asks for the value: a command line is seen by others, and kept. */
export function givingSecret(key: (typeof SECRET_KEYS)[number], stack: string): string {
  return `eval "$(./mem0 env)" && pulumi config set --secret ${keyName([key])} --stack ${stack}`;
}

/** What to do about a secret that everyone who sees the stack file can read. */
export function inClear(key: (typeof SECRET_KEYS)[number], stack: string): string {
  return `${keyName([key])}: stands in clear in the stack file; take it out, change that key, and: ${givingSecret(key, stack)}`;
}

function describe(node: SchemaNode | undefined, fallback: string): string {
  if (node === undefined) return fallback;
  if (node.oneOf !== undefined) {
    const providers = node.oneOf.map((option) => option.properties?.provider?.const);
    return `a group with provider: ${providers.join(", ")}`;
  }
  if (node.anyOf !== undefined) return node.anyOf.map((option) => describe(option, fallback)).join(", or ");
  if (node.enum !== undefined) return node.enum.join(", ");
  switch (node.type) {
    case "integer":
    case "number":
      return `a ${node.type === "integer" ? "whole " : ""}number from ${node.minimum} to ${node.maximum}`;
    case "string":
      return node.minLength === undefined
        ? "text"
        : `text of ${node.minLength} to ${node.maxLength} characters`;
    case "boolean":
      return "true or false";
    case "array":
      return [`a list of ${node.items?.enum?.join(", ") ?? "texts"}`, ...atLeast(node)].join(", ");
    case "object":
      if (node.properties === undefined) return "a group of names";
      return `a group of ${Object.keys(node.properties).join(", ")}`;
    default:
      return fallback;
  }
}

function atLeast({ minItems }: SchemaNode): string[] {
  return minItems === undefined ? [] : [`at least ${minItems}`];
}

function nodeAt(path: readonly string[], raw: unknown): SchemaNode | undefined {
  const key = path.at(-1);
  if (key === undefined) return root;
  const parent = path.slice(0, -1);
  const node = nodeAt(parent, raw);
  if (node?.oneOf !== undefined && key === "provider") return node;
  const above = nodeAt(parent, raw);
  return propertiesAt(parent, raw)[key] ?? above?.items ?? (above?.additionalProperties || undefined);
}

function propertiesAt(path: readonly string[], raw: unknown): Record<string, SchemaNode> {
  const node = nodeAt(path, raw);
  const group = node?.anyOf?.find(({ properties }) => properties !== undefined);
  if (node?.oneOf === undefined) return (group ?? node)?.properties ?? {};
  const provider = valueAt(raw, [...path, "provider"]);
  return node.oneOf.find((option) => option.properties?.provider?.const === provider)?.properties ?? {};
}

function valueAt(raw: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    raw,
  );
}
