/**
 * Docker keeps amounts as numbers, and the official docker plugin (5.2) prints each number in one spelling of its own.
 * A container that was asked for in any other spelling differs after every refresh, and the next `up` replaces it.
 */

/** What the plugin prints for a CPU limit has this many decimals at most: Docker counts in billionths. */
const DECIMALS = 9;

/**
 * A CPU limit in cores as the plugin prints it: with nine decimals; when these digits hold exactly nine zeros, rounded
 * to one decimal; else without the zeros at the end. So 2 is `2.0`, 0.25 is `0.25`, and 10 is `10.`, which Docker reads
 * as 10. Read in the plugin's source, and run up to 2 (2026-11-27).
 *
 * @returns undefined when what it prints is another limit, such as `20.1` for 20.05: no spelling of it lasts
 */
export function cpusSpelling(cpus: number): string | undefined {
  const digits = cpus.toFixed(DECIMALS);
  const spelling = digits.replaceAll(/[^0]/g, "").length === 9 ? cpus.toFixed(1) : digits.replace(/0+$/, "");
  return Number(spelling) === cpus ? spelling : undefined;
}

/** The nearest limit in hundredths of a core that has a spelling. */
export function nearestCpus(cpus: number): number {
  const hundredths = Math.round(cpus * 100);
  for (let distance = 0; ; distance++) {
    const sides = [hundredths + distance, hundredths - distance].map((side) => side / 100);
    const found = sides
      .filter((side) => cpusSpelling(side) !== undefined)
      .sort((a, b) => Math.abs(a - cpus) - Math.abs(b - cpus))[0];
    if (found !== undefined) return found;
  }
}

/** A duration in whole seconds as Go, and so the plugin, prints it: `5s`, `1m30s`, `2m0s`, `1h0m0s`. */
export function durationSpelling(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return [
    ...(hours > 0 ? [`${hours}h`] : []),
    ...(hours > 0 || minutes > 0 ? [`${minutes}m`] : []),
    `${seconds % 60}s`,
  ].join("");
}
