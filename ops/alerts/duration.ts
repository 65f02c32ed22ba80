import ms from "ms";

/** Longest time that may be asked for. */
const LONGEST_MS = 30 * 86_400_000;

/** Milliseconds of e.g. `90s`, `30m`, `2h`, `1d`; nothing for anything else, and for more than 30 days. */
export function parseDuration(text: string): number | undefined {
  // A number alone would be milliseconds for the library, and hours for who knows whom.
  if (!/^\d{1,6} ?[a-z]+$/.test(text)) return undefined;
  const found = ms(text as ms.StringValue) as number | undefined;
  return found !== undefined && found > 0 && found <= LONGEST_MS ? found : undefined;
}
