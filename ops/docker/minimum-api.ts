import semver from "semver";

/** The oldest engine API that the stack was run on, and the release that brought it. */
const MINIMUM_API = "1.41";
const RELEASE = "Docker 20.10";

/** Why an engine of this version will not do; undefined when it will. */
export function tooOld({ version, apiVersion }: { version: string; apiVersion: string }): string | undefined {
  const [found, needed] = [semver.coerce(apiVersion), semver.coerce(MINIMUM_API)];
  if (found !== null && needed !== null && semver.gte(found, needed)) return undefined;
  return `Docker ${version} is too old (API ${apiVersion}); needed: API ${MINIMUM_API}, ${RELEASE} or newer`;
}
