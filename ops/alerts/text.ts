import type { Finding, Message } from "./state.ts";

/** A message of Telegram has at most 4,096 characters after its tags; what is longer is cut. */
const LONGEST = 3_900;

const SIGNS: Record<Finding["level"], string> = { CRITICAL: "🔴", WARNING: "🟠", INFO: "ℹ️" };

const HEADS: Record<Message["kind"], string> = {
  alert: "",
  reminder: "still: ",
  recovery: "",
  event: "",
};

/** A message in Telegram's HTML. */
export function asHtml(stack: string, { kind, at, items }: Message): string {
  const lines = items.map(({ type, level, text, mend }) => {
    const sign = kind === "recovery" ? "🟢" : SIGNS[level];
    const mended = mend === undefined ? "" : `\n  → ${escaped(mend)}`;
    return `${sign} ${HEADS[kind]}<b>${escaped(type)}</b>: ${escaped(text)}${mended}`;
  });
  const head = `<b>mem0 ${escaped(stack)}</b> ${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const kept: string[] = [head];
  for (const [index, line] of lines.entries()) {
    if ([...kept, line].join("\n").length > LONGEST) {
      kept.push(
        kept.length === 1 ? cut(line) : `… and ${lines.length - index} more: ./mem0 health ${escaped(stack)}`,
      );
      break;
    }
    kept.push(line);
  }
  return kept.join("\n");
}

/** A line that alone is too long, without its tags, of which half a one would be refused. */
function cut(line: string): string {
  return `${line
    .replaceAll(/<[^>]*>/g, "")
    .slice(0, LONGEST - 200)
    .replace(/&[^;]*$/, "")}…`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
