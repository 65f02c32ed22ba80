import { accessSync, constants, createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { byteLines } from "../base/byte-lines.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { counted } from "../base/words.ts";
import { type MemoryClient, ServerRefusal } from "./client.ts";
import { MAX_LINE_BYTES, type Progress } from "./transfer.ts";
import { type Counts, packed, readTransferLine, type TransferLine, withoutMark } from "./transfer-lines.ts";

export interface Imported {
  /** Lines sent: memories and relations. */
  lines: number;
  added: number;
  /** Memories whose id was there already. */
  skipped: number;
  relations: number;
  /** Lines that were not taken. */
  failed: number;
  /** Those of them that cannot be read, so that nobody knows whose they are. */
  unreadable: number;
  /** Memories and relations that are not the wished user's. */
  others: number;
  /** The first of the lines that were not taken, by their number in the file. */
  failures: Failure[];
  /** Whether the file ends with the counts of its export, and they are right; undefined when it is not one of ours. */
  whole: boolean | undefined;
  /** Why it is not whole. */
  amiss: string[];
}

interface Failure {
  line: number;
  reason: string;
}

export interface ImportOptions {
  /** Only the memories and relations of this user. */
  user?: string;
  /** Where the lines come from, as a person is told. */
  name?: string;
}

/** Lines of one request: small enough for progress, large enough that requests cost little. */
const BATCH_LINES = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** The embedded model takes some 20 ms a text on one core: a batch may take this long on a slow machine. */
const BATCH_TIMEOUT_MS = 10 * 60_000;
/** A server that pauses or restarts is waited for this long in all, for each batch. */
const PATIENCE_MS = 5 * 60_000;
/** Between two looks whether a server that has gone is there again. */
const GONE_SECONDS = 2;
const MAX_FAILURES = 100;

const report = z.object({
  added: z.int(),
  skipped: z.int(),
  relations: z.int(),
  failed: z.int(),
  failures: z.array(z.object({ line: z.int(), reason: z.string() })),
});

type Report = z.output<typeof report>;

/**
 * Sends the lines of a file, batch by batch. Memories that are there already are skipped, so an import that was cut off
 * goes on when it is run again.
 *
 * @throws Problem when the file is none that can be taken, or the server takes no more; it tells what was taken before
 */
export async function importLines(
  client: MemoryClient,
  input: Readable,
  options: ImportOptions,
  progress: Progress,
): Promise<Imported> {
  const run = new Import(client, options, progress);
  try {
    for await (const line of byteLines(input, MAX_LINE_BYTES)) await run.take(line);
    return await run.end();
  } catch (error) {
    throw run.toldOf(error);
  }
}

/**
 * The lines of a file on this host.
 *
 * @throws Problem when there is none to read
 */
export function fileInput(file: string): { input: Readable; bytes: number } {
  const refuse = (what: string, cause?: unknown) =>
    new Problem(what, { where: file, exitCode: ExitCode.usage, cause });
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw refuse("there is no such file");
  if (found.isDirectory()) throw refuse("it is a directory");
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw refuse("you may not read it", cause);
  }
  return { input: createReadStream(file), bytes: found.size };
}

interface Numbered {
  number: number;
  text: string;
}

/** What stands between a header and its end. */
interface Section extends Counts {
  unreadable: number;
}

/** One import under way. */
class Import {
  readonly #client: MemoryClient;
  readonly #options: ImportOptions;
  readonly #progress: Progress;
  readonly #total: Imported = {
    lines: 0,
    added: 0,
    skipped: 0,
    relations: 0,
    failed: 0,
    unreadable: 0,
    others: 0,
    failures: [],
    whole: undefined,
    amiss: [],
  };
  #header: string | undefined;
  #batch: Numbered[] = [];
  #batchBytes = 0;
  #number = 0;
  #bytes = 0;
  /** Whether a line with something in it has come. */
  #begun = false;
  #section: Section = { memories: 0, relations: 0, unreadable: 0 };
  /** Whether a header waits for its end. */
  #open = false;

  constructor(client: MemoryClient, options: ImportOptions, progress: Progress) {
    this.#client = client;
    this.#options = options;
    this.#progress = progress;
  }

  async take(raw: Buffer): Promise<void> {
    this.#number += 1;
    this.#bytes += raw.length + 1;
    const bytes = this.#number === 1 ? withoutMark(raw) : raw;
    if (this.#number === 1) this.#refusePacked(bytes);
    const line = readTransferLine(bytes);
    if (line.kind === "nothing") return;
    if (!this.#begun) this.#refuseForeign(line);
    this.#begun = true;
    switch (line.kind) {
      case "memory":
      case "relation":
        this.#section[line.kind === "memory" ? "memories" : "relations"] += 1;
        return this.#hold(bytes, line.user);
      case "header":
        return this.#beginSection(bytes);
      case "end":
        return this.#endSection(line.counts);
      case "foreign header":
        await this.#send();
        throw this.#refusal(
          line.reason,
          "import the lines before it, and those after it with the version that wrote them",
        );
      case "unreadable":
        this.#section.unreadable += 1;
        this.#total.unreadable += 1;
        this.#total.failed += 1;
        this.#note([{ line: this.#number, reason: line.reason }]);
    }
  }

  async end(): Promise<Imported> {
    await this.#send();
    if (!this.#begun) {
      throw new Problem("there is nothing in it", { ...this.#where() });
    }
    if (this.#open) this.#cutOff();
    this.#total.failures.sort((a, b) => a.line - b.line);
    return this.#total;
  }

  /** What ended the import, with what it had taken before. */
  toldOf(error: unknown): unknown {
    const { lines, added, skipped, relations } = this.#total;
    if (!(error instanceof Problem) || lines === 0) return error;
    const before = `${counted(added, "memory")} added, ${skipped} there already, ${counted(relations, "relation")}`;
    const { where, mend, exitCode, cause } = error;
    return new Problem(`${error.message}; taken before that: ${before}`, {
      ...(where === undefined ? {} : { where }),
      ...(mend === undefined ? {} : { mend }),
      exitCode,
      cause,
    });
  }

  #refusePacked(beginning: Buffer): void {
    const found = packed(beginning);
    if (found === undefined) return;
    const { name } = this.#options;
    throw new Problem(`nothing was taken: ${found.what}`, {
      ...this.#where(),
      ...(found.unpack === undefined ? {} : { mend: `${found.unpack} ${name ?? "FILE"} | ./mem0 import -` }),
    });
  }

  /** A file whose first line is of another form is another program's, or another version's: none of it is taken. */
  #refuseForeign(line: TransferLine): void {
    if (line.kind !== "foreign header" && line.kind !== "unreadable") return;
    throw this.#refusal(
      line.reason,
      line.kind === "unreadable"
        ? "mend the line or take it out, if the others are memories and relations"
        : "export with the version that imports, or import with the version that exported",
    );
  }

  #refusal(reason: string, mend: string): Problem {
    const what = this.#total.lines === 0 ? "nothing was taken" : "the lines from here on were not taken";
    return new Problem(`${what}: line ${this.#number} begins no export that can be read: ${reason}`, {
      ...this.#where(),
      mend,
    });
  }

  #where(): { where?: string } {
    const { name } = this.#options;
    return name === undefined ? {} : { where: `${name}, line ${Math.max(1, this.#number)}` };
  }

  async #beginSection(header: Buffer): Promise<void> {
    await this.#send();
    if (this.#open) this.#cutOff();
    this.#header = header.toString();
    this.#open = true;
    this.#section = { memories: 0, relations: 0, unreadable: 0 };
  }

  #endSection(told: Counts | undefined): void {
    this.#open = false;
    this.#total.whole ??= true;
    const { memories, relations, unreadable } = this.#section;
    if (told === undefined) return;
    if (told.memories === memories && told.relations === relations) return;
    // Lines that cannot be read are told by their numbers already.
    if (told.memories + told.relations === memories + relations + unreadable && unreadable > 0) return;
    this.#total.whole = false;
    this.#total.amiss.push(
      `the end in line ${this.#number} tells ${counted(told.memories, "memory")} and ${counted(told.relations, "relation")}, ` +
        `and before it are ${memories} and ${relations}`,
    );
  }

  #cutOff(): void {
    this.#total.whole = false;
    this.#total.amiss.push("the file has no end: its export was cut off, and there may have been more");
  }

  async #hold(bytes: Buffer, user: string | undefined): Promise<void> {
    const { user: wished } = this.#options;
    if (wished !== undefined && user !== wished) {
      this.#total.others += 1;
      return;
    }
    this.#batch.push({ number: this.#number, text: bytes.toString() });
    this.#batchBytes += bytes.length;
    if (this.#batch.length >= BATCH_LINES || this.#batchBytes >= BATCH_BYTES) await this.#send();
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    [this.#batch, this.#batchBytes] = [[], 0];
    if (batch.length > 0) {
      const found = await sendBatch(this.#client, this.#header, batch, this.#total.lines > 0);
      this.#total.lines += batch.length;
      this.#total.added += found.added;
      this.#total.skipped += found.skipped;
      this.#total.relations += found.relations;
      this.#total.failed += found.failed;
      this.#note(found.failures);
    }
    this.#progress(this.#total.lines, this.#bytes);
  }

  #note(failures: Failure[]): void {
    this.#total.failures.push(...failures.slice(0, MAX_FAILURES - this.#total.failures.length));
  }
}

async function sendBatch(
  client: MemoryClient,
  header: string | undefined,
  batch: Numbered[],
  answeredBefore: boolean,
): Promise<Report> {
  const lines = batch.map(({ text }) => text);
  const request = {
    method: "POST" as const,
    path: "/import",
    body: `${[...(header === undefined ? [] : [header]), ...lines].join("\n")}\n`,
    headers: { "content-type": "application/x-ndjson" },
    timeoutMs: BATCH_TIMEOUT_MS,
  };
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const response = await client.request(request);
      return byFileLine(report.parse(await response.json()), batch, header === undefined ? 0 : 1);
    } catch (error) {
      const pause = pauseAfter(error, answeredBefore);
      if (pause === undefined || Date.now() + pause * 1000 > deadline) throw error;
      await delay(pause * 1000);
    }
  }
}

/** The server counts the lines of the request, a person those of the file. */
function byFileLine(found: Report, batch: Numbered[], linesBefore: number): Report {
  const failures = found.failures.map(({ line, reason }) => {
    const number = batch[line - 1 - linesBefore]?.number;
    return number === undefined ? { line: 0, reason: `the header: ${reason}` } : { line: number, reason };
  });
  return { ...found, failures };
}

/**
 * Seconds after which a batch is sent again; undefined when that is in vain. A server that has answered and then no
 * longer does is being restarted; what it may have taken of the batch is skipped.
 */
function pauseAfter(error: unknown, answeredBefore: boolean): number | undefined {
  if (!(error instanceof ServerRefusal)) return answeredBefore ? GONE_SECONDS : undefined;
  return [429, 503].includes(error.status) ? error.retryAfter : undefined;
}
