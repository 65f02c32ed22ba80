import { z } from "zod";
import { utf8 } from "../base/byte-lines.ts";

/**
 * The lines of an export: a header, memories, relations, and an end with the counts, without which an export is not
 * whole. services/server/memory_server/transfer.py says what each line holds.
 */
export type TransferLine =
  | { kind: "header" | "nothing" }
  | { kind: "memory" | "relation"; user: string | undefined }
  /** The counts are absent where nobody counted before writing. */
  | { kind: "end"; counts: Counts | undefined }
  /** The lines after it are of a form that this version does not know. */
  | { kind: "foreign header"; reason: string }
  | { kind: "unreadable"; reason: string };

export interface Counts {
  memories: number;
  relations: number;
}

/** The form of the lines that the memory server writes and takes. */
const FORMAT = 1;

const count = z.int().min(0);
const counts = z.object({ memories: count, relations: count });
const typed = z.looseObject({ type: z.string(), user_id: z.string().nullish() });

/** What a line is, as far as that can be told without the server, which looks at memories and relations itself. */
export function readTransferLine(bytes: Buffer): TransferLine {
  const text = utf8(bytes);
  if (text === undefined) return { kind: "unreadable", reason: "it is not UTF-8" };
  if (text.trim() === "") return { kind: "nothing" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "unreadable", reason: "it is not JSON, or was cut off" };
  }
  const line = typed.safeParse(value);
  if (!line.success) return { kind: "unreadable", reason: "it has no type: memory, relation, header or end" };
  const { type, user_id, ...rest } = line.data;
  switch (type) {
    case "memory":
    case "relation":
      return { kind: type, user: user_id ?? undefined };
    case "header":
      if (rest.format === FORMAT) return { kind: "header" };
      return { kind: "foreign header", reason: `it is of format ${JSON.stringify(rest.format ?? null)}` };
    case "end":
      return endOf(rest);
    default:
      return { kind: "unreadable", reason: `its type is ${JSON.stringify(type.slice(0, 40))}` };
  }
}

function endOf(rest: Record<string, unknown>): TransferLine {
  if (!("memories" in rest) && !("relations" in rest)) return { kind: "end", counts: undefined };
  const { data } = counts.safeParse(rest);
  return data === undefined
    ? { kind: "unreadable", reason: "it is an end whose counts are none" }
    : { kind: "end", counts: data };
}

/** What begins so is not text, though it may hold some. */
const PACKED: readonly { begin: number[]; what: string; unpack?: string }[] = [
  { begin: [0x1f, 0x8b], what: "it is compressed with gzip", unpack: "gunzip -c" },
  { begin: [0x28, 0xb5, 0x2f, 0xfd], what: "it is compressed with zstd", unpack: "zstd -dc" },
  { begin: [0xfd, 0x37, 0x7a, 0x58, 0x5a], what: "it is compressed with xz", unpack: "xz -dc" },
  { begin: [0x42, 0x5a, 0x68], what: "it is compressed with bzip2", unpack: "bunzip2 -c" },
  { begin: [0x50, 0x4b, 0x03, 0x04], what: "it is a zip archive", unpack: "unzip -p" },
  { begin: [0xff, 0xfe], what: "it is UTF-16", unpack: "iconv -f UTF-16 -t UTF-8" },
  { begin: [0xfe, 0xff], what: "it is UTF-16", unpack: "iconv -f UTF-16 -t UTF-8" },
  { begin: [...Buffer.from("age-encryption.org/")], what: "it is encrypted with age" },
];

/** What a file is that is no text, judged by how it begins, and the program that makes text of it. */
export function packed(beginning: Buffer): { what: string; unpack?: string } | undefined {
  return PACKED.find(({ begin }) => beginning.subarray(0, begin.length).equals(Buffer.from(begin)));
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** The first line without the mark that some editors put before UTF-8. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes;
}
