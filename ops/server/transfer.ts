import { Readable } from "node:stream";
import { byteLines, utf8 } from "../base/byte-lines.ts";
import { type Output, ReaderGone } from "../base/output-file.ts";
import { Problem } from "../base/problem.ts";
import { visibleJson } from "../base/visible.ts";
import type { MemoryClient } from "./client.ts";
import { type Counts, readTransferLine } from "./transfer-lines.ts";

/** Told how far it came: lines, and the bytes of the file where its size is known. */
export type Progress = (lines: number, bytes: number) => void;

const EXPORT_TIMEOUT_MS = 6 * 3600_000;

/** Longest line of an export or import: the server's own bound is far lower, this one is for what is no text. */
export const MAX_LINE_BYTES = 64 * 1024 ** 2;

/** What of the memories an export holds. */
export interface Wish {
  /** Only this user's. */
  user?: string;
  /** With embeddings. */
  vectors?: boolean;
}

/**
 * Writes all memories and relations, or those of one user, as the server sends them.
 *
 * @returns how many; undefined when who read them has closed standard output, having had enough
 * @throws Problem when the export breaks off, or cannot be written
 */
export async function exportTo(
  client: MemoryClient,
  output: Output,
  wish: Wish,
  progress: Progress,
): Promise<Counts | undefined> {
  let exported: Counts | undefined;
  async function* lines(): AsyncGenerator<string> {
    let count = 0;
    let bytes = 0;
    const source = exportedLines(client, wish);
    for (let step = await source.next(); ; step = await source.next()) {
      if (step.done === true) {
        exported = step.value;
        return;
      }
      count += 1;
      bytes += Buffer.byteLength(step.value) + 1;
      progress(count, bytes);
      // A file holds what the server sent; standard output may be a terminal.
      yield `${output.standard ? visibleJson(step.value) : step.value}\n`;
    }
  }
  try {
    await output.write(lines());
    return exported;
  } catch (error) {
    if (error instanceof ReaderGone && output.standard) return undefined;
    throw error;
  }
}

/** The lines of an export as the server sends them; what it returns is their number by kind. */
async function* exportedLines(client: MemoryClient, { user, vectors }: Wish): AsyncGenerator<string, Counts> {
  const query = new URLSearchParams({
    ...(user === undefined ? {} : { user_id: user }),
    ...(vectors === true ? { vectors: "true" } : {}),
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
  let last: Buffer = Buffer.alloc(0);
  try {
    const stream = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    for await (const line of byteLines(stream, MAX_LINE_BYTES)) {
      last = line;
      yield utf8(line) ?? "";
    }
  } catch (cause) {
    throw cut(cause);
  }
  const end = readTransferLine(last);
  if (end.kind !== "end" || end.counts === undefined) throw cut();
  return end.counts;
}
