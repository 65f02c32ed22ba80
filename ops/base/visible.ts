/**
 * What a terminal obeys instead of showing: C0 but newline and tab, DEL, C1, and what turns the direction of writing
 * for all that follows (Unicode's Bidi_Control without its three harmless marks).
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ORDERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from anywhere (memories, user names, messages of dumps) as a terminal may show it: what would steer the terminal
 * is written out, e.g. `\x1b`; newlines, tabs and all other text stay as they are.
 */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(ORDERS, (order) => {
    const code = order.charCodeAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : unicodeEscape(code);
  });
}

/** JSON that a terminal may show: the same value, with what would steer the terminal escaped as JSON escapes it. */
export function visibleJson(json: string): string {
  return json.replaceAll(ORDERS, (order) => unicodeEscape(order.charCodeAt(0)));
}

function unicodeEscape(code: number): string {
  return `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
