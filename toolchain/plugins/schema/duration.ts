/** Durations as Docker's API has them (integer nanoseconds) and as Go and Prometheus print them (`1m30s`, `1d`). */

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 604_800e9,
};
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)/g;

/** A duration that is not negative, as Go's time.ParseDuration reads it. */
export const DURATION = /^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/;

/** @returns nanoseconds; 0 when there is none */
export function parseDuration(text: string | undefined): number {
  let total = 0;
  for (const [, amount = "0", unit = "ns"] of (text ?? "").matchAll(PART)) {
    total += Number(amount) * (NANOSECONDS[unit] ?? 0);
  }
  return Math.round(total);
}

/** As Go's Duration.String: `0s`, `500ms`, `1.5s`, `1m0s`, `1h0m0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  for (const [unit, next] of [
    ["ns", "us"],
    ["us", "ms"],
    ["ms", "s"],
  ] as const) {
    if (nanoseconds < (NANOSECONDS[next] ?? 0)) {
      return `${trimmed(nanoseconds / (NANOSECONDS[unit] ?? 1))}${unit === "us" ? "µs" : unit}`;
    }
  }
  const hours = Math.floor(nanoseconds / 3600e9);
  const minutes = Math.floor((nanoseconds % 3600e9) / 60e9);
  const seconds = `${trimmed((nanoseconds % 60e9) / 1e9)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trimmed(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, "");
}
