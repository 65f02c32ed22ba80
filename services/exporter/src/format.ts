/** `1,234,567`, the same on every machine. */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** Sizes are told to the base of 1024 wherever they are shown: here, on the dashboard and in alerts. */
export const GIBIBYTE = 1024 ** 3;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `1.5 GiB` */
export function bytes(value: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(value, 1)) / 10), UNITS.length - 1);
  const scaled = value / 1024 ** power;
  return `${scaled.toFixed(power === 0 || scaled >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

/** A short time: `250 µs`, `12 ms`, `1.5 s`. */
export function seconds(value: number): string {
  if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  return value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(1)} s`;
}

/** How long something lasts or is ago, to the largest unit: `3 min`. */
export function age(value: number): string {
  const past = Math.max(0, value);
  if (past < 60) return `${Math.floor(past)} s`;
  if (past < 3600) return `${Math.floor(past / 60)} min`;
  return past < 48 * 3600 ? `${Math.floor(past / 3600)} h` : `${Math.floor(past / 86_400)} days`;
}
