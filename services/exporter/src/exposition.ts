/** One line of a metrics page: the full name (`..._bucket` too), its labels and its value. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/**
 * Labels that were read before, by their text: the same text is the same object. From one scrape to the next a page's
 * values change and hardly ever its labels.
 */
export type KnownLabels = Map<string, Sample["labels"]>;

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;
const ESCAPES: Record<string, string> = { n: "\n", '"': '"', "\\": "\\" };

/**
 * Reads a page in Prometheus' text format.
 *
 * @param known kept by whoever reads the same page again and again
 * @throws Malformed at the first line that is not in that format
 */
export function parseExposition(text: string, known: KnownLabels = new Map()): Sample[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => parseLine(line, known));
}

/** Something was there, but not in the form it should have. */
export class Malformed extends Error {
  override name = "Malformed";
}

function parseLine(line: string, known: KnownLabels): Sample {
  const [, name, text = "", number] = LINE.exec(line) ?? [];
  if (name === undefined || number === undefined)
    throw new Malformed(`not a line of metrics: ${excerpt(line)}`);
  return { name, labels: knownLabels(text, line, known), value: parseValue(number, line) };
}

function knownLabels(text: string, line: string, known: KnownLabels): Sample["labels"] {
  const before = known.get(text);
  if (before !== undefined) return before;
  const labels = parseLabels(text, line);
  known.set(text, labels);
  return labels;
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  for (const [match, key = "", value = ""] of text.matchAll(LABEL)) {
    labels[key] = value.replace(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? `\\${sign}`);
    end += match.length;
  }
  if (end !== text.length) throw new Malformed(`labels that cannot be read: ${excerpt(line)}`);
  return labels;
}

function parseValue(text: string, line: string): number {
  const infinite = /^([+-]?)Inf$/i.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isNaN(value) && !/^nan$/i.test(text)) throw new Malformed(`not a number: ${excerpt(line)}`);
  return value;
}

function excerpt(line: string): string {
  return JSON.stringify(line.slice(0, 80));
}
