import type { IncomingHttpHeaders } from "node:http";

/** Why somebody gets no answer. */
export interface Refused {
  status: number;
  text: string;
}

/**
 * Refuses what only a page of somewhere else asks: under a name that somebody pointed at this machine, or from another
 * origin. Who sends no `Host` is no browser.
 *
 * @param hosts names that are answered to, without ports
 * @returns undefined when the request may be answered
 */
export function refusal(
  { host, origin }: IncomingHttpHeaders,
  hosts: readonly string[],
): Refused | undefined {
  if (host !== undefined && !hosts.includes(host.toLowerCase().replace(/:\d*$/, ""))) {
    return { status: 421, text: "this name is not one of the stack's; mem0:network.hostNames adds one\n" };
  }
  // Behind `tailscale serve` the page is https.
  if (origin !== undefined && origin.toLowerCase().replace(/^https?:\/\//, "") !== host?.toLowerCase()) {
    return { status: 403, text: "a page of another origin may not ask here\n" };
  }
  return undefined;
}
