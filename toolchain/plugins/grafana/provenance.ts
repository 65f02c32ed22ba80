import type { Properties } from "../protocol/value.ts";

/** Without this header what was made through the API can be changed through it only, and not in Grafana's pages. */
export function provenanceHeaders({ disableProvenance }: Properties): { headers?: Record<string, string> } {
  return disableProvenance === true ? { headers: { "X-Disable-Provenance": "true" } } : {};
}
