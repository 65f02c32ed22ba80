import {
  isMap,
  isScalar,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { inClear, keyName } from "./explain.ts";
import { SECRET_KEYS } from "./schema.ts";
import { settingsMistakes } from "./settings.ts";

/** Top-level keys of a stack file, as Pulumi 3 knows them; all but the first are its own business. */
const TOP_LEVEL = ["config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment"];

/** Namespaces of configuration: ours, and that of the engine itself. */
const NAMESPACES = ["mem0", "pulumi"];

/** A stack file as its text says it, without asking the engine. */
export type StackText =
  | {
      ok: true;
      /** Keys without `mem0:`, values as Pulumi hands them to the program; encrypted ones are left out. */
      values: Record<string, string>;
      /** Keys whose values are encrypted, or hold something encrypted. */
      encrypted: string[];
    }
  | { ok: false; mistakes: string[] };

/** Reads the text of a `Pulumi.<stack>.yaml`; every mistake names its line. */
export function parseStackText(text: string): StackText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: true });
  if (document.errors.length > 0) return { ok: false, mistakes: document.errors.map(told) };
  const at = (node: unknown) => {
    const offset = (node as ParsedNode | undefined)?.range?.[0];
    return offset === undefined ? "" : `line ${lines.linePos(offset).line}: `;
  };
  const root = document.contents;
  if (root === null) return { ok: true, values: {}, encrypted: [] };
  if (!isMap(root)) {
    return { ok: false, mistakes: [`${at(root)}it is no mapping; needed: config: with settings below it`] };
  }
  const mistakes = keysOf(root)
    .filter(({ name }) => !TOP_LEVEL.includes(name))
    .map(({ name, node }) => `${at(node)}${name}: unknown key; allowed here: ${TOP_LEVEL.join(", ")}`);
  const config = root.get("config", true) as unknown;
  const isNothing = config === undefined || (isScalar(config) && config.value === null);
  if (!isNothing && !isMap(config)) mistakes.push(`${at(config)}config: is no mapping of settings`);
  if (isMap(config)) {
    mistakes.push(
      ...keysOf(config).flatMap(({ name, node }) => namespaceMistakes(name).map((text) => at(node) + text)),
    );
  }
  if (mistakes.length > 0) return { ok: false, mistakes };
  return {
    ok: true,
    ...valuesOf((document.toJS() as { config?: Record<string, unknown> | null }).config ?? {}),
  };
}

/**
 * All that is wrong with the settings of a stack file, found without the engine. What is encrypted cannot be looked at
 * here: it only counts as given.
 */
export function stackTextMistakes(stack: string, text: Extract<StackText, { ok: true }>): string[] {
  const inTheOpen = SECRET_KEYS.filter((key) => key in text.values);
  const given = SECRET_KEYS.filter((key) => text.encrypted.includes(key));
  const unknown = text.encrypted.filter((key) => !SECRET_KEYS.some((secret) => secret === key));
  const standIns = Object.fromEntries(
    given
      .map((key) => [key, STAND_INS[key]] as const)
      .filter((pair): pair is [(typeof pair)[0], string] => pair[1] !== undefined),
  );
  return [
    ...inTheOpen.map((key) => inClear(key, stack)),
    // A group of which a part is encrypted is the program's to judge, and so are rules that look at it.
    ...(unknown.length > 0 ? [] : settingsMistakes(stack, { ...text.values, ...standIns })),
  ];
}

/** Values that no rule has anything against, for secrets that are there and cannot be read. */
const STAND_INS: Partial<Record<(typeof SECRET_KEYS)[number], string>> = {
  openaiApiKey: "x".repeat(16),
  apiKey: "x".repeat(16),
  grafanaAuth: "x".repeat(16),
  alertWebhookUrl: "https://localhost/",
};

function told({ code, message, linePos }: YAMLError): string {
  const reason = REASONS[code] ?? message.split(" at line ")[0] ?? message;
  const [position] = linePos ?? [];
  return position === undefined ? reason : `line ${position.line}, column ${position.col}: ${reason}`;
}

const REASONS: Partial<Record<YAMLError["code"], string>> = {
  DUPLICATE_KEY: "this key stands here a second time",
  TAB_AS_INDENT: "a tab; YAML is indented with spaces",
  MULTIPLE_DOCS: "a second document begins here; a stack file is one",
};

function keysOf(map: YAMLMap): { name: string; node: unknown }[] {
  return map.items.map(({ key }) => ({ name: String(isScalar(key) ? key.value : key), node: key }));
}

function namespaceMistakes(key: string): string[] {
  const [namespace = "", ...rest] = key.split(":");
  if (rest.length === 0) return [`${key}: has no namespace; write ${keyName([key])}`];
  if (NAMESPACES.includes(namespace)) return [];
  return [`${key}: is of no namespace that is read here; settings begin with ${keyName([])}`];
}

function valuesOf(config: Record<string, unknown>): { values: Record<string, string>; encrypted: string[] } {
  const prefix = keyName([]);
  const own = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const [secret, plain] = [
    own.filter(([, value]) => holdsSecret(value)),
    own.filter(([, value]) => !holdsSecret(value)),
  ];
  return {
    values: Object.fromEntries(plain.map(([key, value]) => [key, asPulumiHasIt(value)])),
    encrypted: secret.map(([key]) => key),
  };
}

function holdsSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "secure" in value || Object.values(value).some(holdsSecret);
}

function asPulumiHasIt(value: unknown): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
