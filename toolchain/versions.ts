import { readFileSync } from "node:fs";
import path from "node:path";
import semver from "semver";

/**
 * The three numbers of a version as a tool tells it, e.g. of `v3.259.0`, `go1.25`, `20.10.24+dfsg1`; missing ones are 0.
 *
 * @returns e.g. `1.25.0`; nothing when there is no version in the text
 */
export function parseVersion(text: string): string | undefined {
  return semver.coerce(text)?.version;
}

/** Whether version `found` is `needed` or newer. False when `found` is no version. */
export function atLeast(found: string, needed: string): boolean {
  const [have, want] = [semver.coerce(found), semver.coerce(needed)];
  return have !== null && want !== null && semver.gte(have, want);
}

/** Version of the Pulumi CLI: that of the SDK in package.json. */
export function pulumiVersion(checkout: string): string {
  const file = path.join(checkout, "package.json");
  const { dependencies } = JSON.parse(readFileSync(file, "utf8")) as { dependencies: Record<string, string> };
  const version = dependencies["@pulumi/pulumi"];
  if (version === undefined) throw new Error(`${file} does not name @pulumi/pulumi`);
  return version;
}
