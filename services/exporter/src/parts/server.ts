import { parseExposition } from "../exposition.ts";
import type { Settings } from "../settings.ts";
import type { Part } from "./part.ts";
import { reexport } from "./traffic.ts";

/** Both answers take the server a few milliseconds; a busy one is not a dead one. */
const TIMEOUT_MS = 2_000;

/** The memory server: whether it answers, and what it tells about its traffic. */
export function serverPart({ url, metricsUrl }: Settings["server"]): Part {
  return {
    name: "server",
    whenDown: (page) => {
      if (page.value("mem0_service_up") === undefined) page.set("mem0_service_up", 0);
    },
    collect: async (page) => {
      const [health, metrics] = await Promise.allSettled([get(`${url}/health`), get(metricsUrl)]);
      page.set("mem0_service_up", health.status === "fulfilled" ? 1 : 0);
      if (metrics.status === "fulfilled") reexport(parseExposition(metrics.value), page);
      for (const answer of [health, metrics]) if (answer.status === "rejected") throw answer.reason;
    },
    close: async () => {},
  };
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return text;
}
