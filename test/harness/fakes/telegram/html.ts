import { Refusal } from "./refusal.ts";

/** Tags of core.telegram.org/bots/api#html-style; `a` and others with attributes are not among what a bot of ours says. */
const TAGS = ["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "blockquote"];
const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/**
 * Reads a text in Telegram's HTML as Telegram does.
 *
 * @returns what a person sees
 * @throws Refusal in Telegram's own words: an unknown tag, one that is not closed, one that closes another
 */
export function shownText(html: string): string {
  const open: string[] = [];
  const text = html.replaceAll(
    /<(\/?)([^>]*)(>?)|&(?:#(\d+)|(lt|gt|amp|quot));/g,
    (match, closing: string, tag: string, end: string, code: string, name: string, offset: number) => {
      if (name !== undefined) return NAMED[name] ?? match;
      if (code !== undefined) return String.fromCodePoint(Number(code));
      const at = Buffer.byteLength(html.slice(0, offset));
      if (end === "") throw cannotParse(`Unclosed start tag at byte offset ${at}`);
      if (closing === "/") {
        const last = open.pop();
        if (last === undefined) throw cannotParse(`Unexpected end tag at byte offset ${at}`);
        if (last !== tag)
          throw cannotParse(
            `Unmatched end tag at byte offset ${at}, expected "</${last}>", found "</${tag}>"`,
          );
        return "";
      }
      if (!TAGS.includes(tag)) throw cannotParse(`Unsupported start tag "${tag}" at byte offset ${at}`);
      open.push(tag);
      return "";
    },
  );
  const left = open.at(-1);
  if (left !== undefined) throw cannotParse(`Can't find end tag corresponding to start tag "${left}"`);
  return text.trim();
}

function cannotParse(why: string): Refusal {
  return new Refusal(400, `Bad Request: can't parse entities: ${why}`);
}
