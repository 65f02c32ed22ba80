import { readFileSync } from "node:fs";
import path from "node:path";

/** Reads the numbers of a version, e.g. of `v3.259.0`, `go1.25`, `20.10.24+dfsg1`; nothing when there are none. */
export function parseVersion(text: string): number[] | undefined {
  const found = /(\d+(?:\.\d+)*)/.exec(text)?.[1];
  return found?.split(".").map(Number);
}

/** Whether version `found` is `needed` or newer; missing numbers count as 0. False when `found` is no version. */
export function atLeast(found: string, needed: string): boolean {
  const [have, want] = [parseVersion(found), parseVersion(needed)];
  if (have === undefined || want === undefined) return false;
  for (let place = 0; place < Math.max(have.length, want.length); place++) {
    const difference = (have[place] ?? 0) - (want[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Version of the Pulumi CLI: that of the SDK in package.json. */
export function pulumiVersion(checkout: string): string {
  const file = path.join(checkout, "package.json");
  const { dependencies } = JSON.parse(readFileSync(file, "utf8")) as { dependencies: Record<string, string> };
  const version = dependencies["@pulumi/pulumi"];
  if (version === undefined) throw new Error(`${file} does not name @pulumi/pulumi`);
  return version;
}
