import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { Problem } from "../base/problem.ts";
import { type MemoryClient, ServerRefusal } from "./client.ts";

/**
 * Memories out and in as JSON lines: a header, memories, relations, and an end with the counts, without which an
 * export is not whole. services/server/memory_server/transfer.py says what each line holds.
 */

export interface Exported {
  memories: number;
  relations: number;
}

export interface Imported {
  /** Lines sent: memories and relations. */
  lines: number;
  added: number;
  /** Memories whose id was there already. */
  skipped: number;
  relations: number;
  failed: number;
  /** The first of the lines that were not taken, by their number in the file. */
  failures: { line: number; reason: string }[];
  /** Whether the file ends with the counts of its export; undefined when it is not one of ours. */
  whole: boolean | undefined;
}

/** Told how far it came: lines, and the bytes of the file where its size is known. */
export type Progress = (lines: number, bytes: number) => void;

/** Lines of one request: small enough for progress, large enough that requests cost little. */
const BATCH_LINES = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** The embedded model takes some 20 ms a text on one core: a batch may take this long on a slow machine. */
const BATCH_TIMEOUT_MS = 10 * 60_000;
const EXPORT_TIMEOUT_MS = 6 * 3600_000;
/** A server that pauses or restarts is waited for this long in all, for each batch. */
const PATIENCE_MS = 5 * 60_000;
/** Between two looks whether a server that has gone is there again. */
const GONE_SECONDS = 2;
const MAX_FAILURES = 100;

const line = z.looseObject({ type: z.string(), user_id: z.string().nullish() });
const end = z.looseObject({ memories: z.int(), relations: z.int() });
const report = z.object({
  added: z.int(),
  skipped: z.int(),
  relations: z.int(),
  failed: z.int(),
  failures: z.array(z.object({ line: z.int(), reason: z.string() })),
});

/** All memories and relations, or those of one user, line by line as the server sends them. */
export async function* exportedLines(
  client: MemoryClient,
  options: { user?: string; vectors?: boolean },
): AsyncGenerator<string, Exported> {
  const query = new URLSearchParams({
    ...(options.user === undefined ? {} : { user_id: options.user }),
    ...(options.vectors === true ? { vectors: "true" } : {}),
  });
  const { body } = await client.request({
    method: "GET",
    path: `/export?${query}`,
    timeoutMs: EXPORT_TIMEOUT_MS,
  });
  const cut = (cause?: unknown) =>
    new Problem("the export broke off before its end", {
      mend: `./mem0 status ${client.stack}, then the same command again`,
      cause,
    });
  if (body === null) throw cut();
  let last = "";
  try {
    for await (const text of linesOf(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]))) {
      last = text;
      yield text;
    }
  } catch (cause) {
    throw cut(cause);
  }
  const counts = typeOf(last) === "end" ? end.safeParse(JSON.parse(last)) : undefined;
  if (counts?.success !== true) throw cut();
  return { memories: counts.data.memories, relations: counts.data.relations };
}

/** Writes an export to a file that only its owner may read; the file has its name only when it is whole. */
export async function exportToFile(
  client: MemoryClient,
  file: string,
  options: { user?: string; vectors?: boolean },
  progress: Progress,
): Promise<Exported> {
  const partial = `${file}.part`;
  try {
    const exported = await writeLines(exportedLines(client, options), partial, progress);
    await rename(partial, file);
    return exported;
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

async function writeLines(
  lines: AsyncGenerator<string, Exported>,
  file: string,
  progress: Progress,
): Promise<Exported> {
  rmSync(file, { force: true });
  const out = createWriteStream(file, { mode: 0o600, flags: "wx", flush: true });
  const closed = finished(out);
  // Awaited below; a full disk is to be told there, not as a promise nobody looked at.
  closed.catch(() => {});
  let count = 0;
  let bytes = 0;
  for (;;) {
    const step = await lines.next();
    if (step.done === true) {
      out.end();
      await closed;
      return step.value;
    }
    const text = `${step.value}\n`;
    count += 1;
    bytes += Buffer.byteLength(text);
    if (!out.write(text))
      await Promise.race([new Promise<void>((resolve) => out.once("drain", () => resolve())), closed]);
    progress(count, bytes);
  }
}

/**
 * Sends the lines of a file, batch by batch. Memories that are there already are skipped, so an import that was cut off
 * goes on when it is run again.
 *
 * @param user only the memories and relations of this user
 */
export async function importLines(
  client: MemoryClient,
  input: Readable,
  options: { user?: string },
  progress: Progress,
): Promise<Imported> {
  const total: Imported = {
    lines: 0,
    added: 0,
    skipped: 0,
    relations: 0,
    failed: 0,
    failures: [],
    whole: undefined,
  };
  let header: string | undefined;
  let batch: Numbered[] = [];
  let size = 0;
  let number = 0;
  let bytes = 0;
  const send = async () => {
    if (batch.length > 0) add(total, batch, await sendBatch(client, header, batch, total.lines > 0));
    batch = [];
    size = 0;
    progress(total.lines, bytes);
  };
  for await (const text of linesOf(input)) {
    number += 1;
    bytes += Buffer.byteLength(text) + 1;
    const type = text.trim() === "" ? "nothing" : typeOf(text);
    if (type === "header") {
      await send();
      header = text;
      total.whole = false;
    } else if (type === "end") total.whole = true;
    else if (type !== "nothing" && belongs(text, options.user)) {
      batch.push({ number, text });
      size += text.length;
      if (batch.length >= BATCH_LINES || size >= BATCH_BYTES) await send();
    }
  }
  await send();
  return total;
}

/** The lines of a file on this host. */
export function fileInput(file: string): Readable {
  return createReadStream(file);
}

interface Numbered {
  number: number;
  text: string;
}

async function sendBatch(
  client: MemoryClient,
  header: string | undefined,
  batch: Numbered[],
  answeredBefore: boolean,
): Promise<z.output<typeof report>> {
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
      const found = report.parse(await (await client.request(request)).json());
      // The server counts the header as its first line; a person counts the lines of the file.
      const offset = header === undefined ? 1 : 2;
      const failures = found.failures.map(({ line, reason }) => ({
        line: batch[line - offset]?.number ?? 0,
        reason,
      }));
      return { ...found, failures };
    } catch (error) {
      const pause = pauseAfter(error, answeredBefore);
      if (pause === undefined || Date.now() + pause * 1000 > deadline) throw error;
      await delay(pause * 1000);
    }
  }
}

/**
 * Seconds after which a batch is sent again; undefined when that is in vain. A server that has answered and then no
 * longer does is being restarted; what it may have taken of the batch is skipped.
 */
function pauseAfter(error: unknown, answeredBefore: boolean): number | undefined {
  if (!(error instanceof ServerRefusal)) return answeredBefore ? GONE_SECONDS : undefined;
  return [429, 503].includes(error.status) ? error.retryAfter : undefined;
}

function add(total: Imported, batch: Numbered[], found: z.output<typeof report>): void {
  total.lines += batch.length;
  total.added += found.added;
  total.skipped += found.skipped;
  total.relations += found.relations;
  total.failed += found.failed;
  total.failures.push(...found.failures.slice(0, MAX_FAILURES - total.failures.length));
}

function linesOf(input: Readable): AsyncIterable<string> {
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

/** What kind of line it is; a line that cannot be read is left to the server, which tells what is wrong with it. */
function typeOf(text: string): string {
  return parsed(text)?.type ?? "unreadable";
}

function belongs(text: string, user: string | undefined): boolean {
  return user === undefined || parsed(text)?.user_id === user;
}

function parsed(text: string): z.output<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
