import type { Readable } from "node:stream";

const NEWLINE = 0x0a;

/** The line that ends a table's rows. */
const ROWS_END = Buffer.from("\n\\.\n");

/** No line that pg_dump writes outside of rows has to be known beyond this. */
const LONGEST = 4096;

/** A name as pg_dump writes it, plain or quoted. */
const NAME = String.raw`(?:"(?:[^"]|"")+"|[\w$]+)`;

const COPY = new RegExp(String.raw`^COPY (?:(${NAME})\.)?(${NAME}) \((${NAME}(?:, ${NAME})*)\) FROM stdin;$`);

/** What stands in a dump in SQL, from its first byte to its last. */
export type DumpPiece =
  | { kind: "line"; text: string }
  /** A table's rows in COPY's text format; those that nobody takes are left out. */
  | { kind: "rows"; table: TableName; columns: string[]; rows: AsyncIterable<Buffer> };

export interface TableName {
  /** Undefined where the dump does not tell. */
  schema: string | undefined;
  name: string;
}

/**
 * Takes a dump in SQL apart, as pg_dump writes one: rows of tables, and the lines between them. Nothing of it is ever
 * run, so it does not matter what else somebody has written into it.
 *
 * @throws Error when it ends in the middle of a table's rows
 */
export async function* piecesOf(source: Readable): AsyncGenerator<DumpPiece> {
  const text = new DumpText(source);
  for (let line = await text.line(); line !== undefined; line = await text.line()) {
    const copy = COPY.exec(line);
    if (copy === null) {
      yield { kind: "line", text: line };
      continue;
    }
    const [, schema, name = "", columns = ""] = copy;
    const table = { schema: schema === undefined ? undefined : unquoted(schema), name: unquoted(name) };
    const rows = text.rows(name);
    yield {
      kind: "rows",
      table,
      columns: [...columns.matchAll(new RegExp(NAME, "g"))].map(([one]) => unquoted(one)),
      rows,
    };
    for await (const _ of rows) {
      // Nobody wanted them, or not all.
    }
  }
}

/** A name without its quotes. */
export function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** A text that is read in lines and in runs of rows. */
class DumpText {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next line, cut to what has to be known of it; undefined at the end. */
  async line(): Promise<string | undefined> {
    const kept: Buffer[] = [];
    let size = 0;
    const keep = (bytes: Buffer) => {
      if (size < LONGEST) kept.push(bytes.subarray(0, LONGEST - size));
      size += bytes.length;
    };
    for (;;) {
      const end = this.#rest.indexOf(NEWLINE);
      keep(end === -1 ? this.#rest : this.#rest.subarray(0, end));
      this.#rest = end === -1 ? Buffer.alloc(0) : this.#rest.subarray(end + 1);
      if (end !== -1) break;
      if (await this.#more()) continue;
      if (size === 0) return undefined;
      break;
    }
    return Buffer.concat(kept).toString("utf8");
  }

  /** Rows up to the line that ends them. */
  async *rows(table: string): AsyncGenerator<Buffer> {
    // As if a line had just ended: the first may be the last.
    this.#rest = Buffer.concat([Buffer.of(NEWLINE), this.#rest]);
    let first = 1;
    const take = (length: number): Buffer => {
      const taken = this.#rest.subarray(Math.min(first, length), length);
      this.#rest = this.#rest.subarray(length);
      if (length > 0) first = 0;
      return taken;
    };
    for (;;) {
      const end = this.#rest.indexOf(ROWS_END);
      if (end !== -1) {
        const last = take(end + 1);
        this.#rest = this.#rest.subarray(ROWS_END.length - 1);
        if (last.length > 0) yield last;
        return;
      }
      const rows = take(this.#rest.length - beginningOfEnd(this.#rest));
      if (rows.length > 0) yield rows;
      if (await this.#more()) continue;
      throw new Error(`it ends in the middle of the rows of ${table}`);
    }
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}

/** How many of the last bytes may be the beginning of the line that ends rows. */
function beginningOfEnd(bytes: Buffer): number {
  for (let length = ROWS_END.length - 1; length > 0; length -= 1) {
    if (bytes.subarray(-length).equals(ROWS_END.subarray(0, length)) && bytes.length >= length) return length;
  }
  return 0;
}
