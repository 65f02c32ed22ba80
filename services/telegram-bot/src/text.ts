import type { Part } from "./inbox.ts";

/** Telegram takes 4,096 characters a message, counted when marks and escapes are read; some are left for a heading. */
const LIMIT = 4000;

/** Plain text as Telegram's HTML. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** How near in meaning, in words. `similarity` is 1 for the same, about 0 for what has nothing to do with it. */
export function likeness(similarity: number): string {
  if (similarity >= 0.8) return "almost the same words";
  if (similarity >= 0.6) return "very close";
  if (similarity >= 0.4) return "close";
  return similarity >= 0.25 ? "related" : "far off";
}

/** A part of an answer that stays together if it can. */
export interface Block {
  /** What stands before the text, as HTML. */
  lead?: string;
  /** Of any length, as it was said by a person. */
  text: string;
  /** What stands below the text, in small; plain. */
  note?: string;
}

interface Piece {
  html: string;
  /** As Telegram counts: without marks, escapes as the sign they stand for. */
  length: number;
}

/** Blocks as as few messages as hold them. Splits within a text only where that alone is too long. */
export function messages(blocks: readonly Block[]): Part[] {
  const parts: Part[] = [];
  let open: Piece = { html: "", length: 0 };
  for (const piece of blocks.flatMap(pieces)) {
    const gap = open.length === 0 ? 0 : 2;
    if (open.length + gap + piece.length > LIMIT) {
      parts.push({ html: open.html });
      open = piece;
    } else {
      open = {
        html: `${open.html}${"\n".repeat(gap)}${piece.html}`,
        length: open.length + gap + piece.length,
      };
    }
  }
  if (open.length > 0) parts.push({ html: open.html });
  return parts;
}

/** A short answer. @param html is not split */
export function message(html: string): Part[] {
  return [{ html }];
}

function pieces({ lead = "", text, note }: Block): Piece[] {
  const before = lead === "" ? "" : `${lead} `;
  const after = note === undefined ? "" : `\n<i>${escaped(note)}</i>`;
  // The lead is a number or a word in bold: its marks are counted too, which only makes a message a little shorter.
  const around = before.length + after.length;
  const chunks = chunked(text, LIMIT - around);
  return chunks.map((chunk, index) => {
    const [first, last] = [index === 0, index === chunks.length - 1];
    const html = `${first ? before : ""}${escaped(chunk)}${last ? after : ""}`;
    return { html, length: chunk.length + (first ? before.length : 0) + (last ? after.length : 0) };
  });
}

/** Cuts at a line's or word's end where there is one in the last quarter, and never within a character. */
export function chunked(text: string, limit: number): string[] {
  const chunks: string[] = [];
  let rest = text;
  while (rest.length > limit) {
    const head = rest.slice(0, limit);
    const blank = Math.max(head.lastIndexOf("\n"), head.lastIndexOf(" "));
    const inPair = /[\uD800-\uDBFF]$/.test(head);
    const end = blank > limit * 0.75 ? blank : inPair ? limit - 1 : limit;
    chunks.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return rest === "" && chunks.length > 0 ? chunks : [...chunks, rest];
}
