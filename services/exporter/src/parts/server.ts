import { Agent } from "node:http";
import { type KnownLabels, parseExposition } from "../exposition.ts";
import type { Settings } from "../settings.ts";
import { textOf } from "./http.ts";
import type { Part } from "./part.ts";
import { reexport } from "./traffic.ts";

/** The memory server: whether it answers, and what it tells about its traffic. */
export function serverPart({ url, metricsUrl }: Settings["server"]): Part {
  const agent = new Agent({ keepAlive: true });
  const get = (address: string) => textOf(address, agent);
  const known: KnownLabels = new Map();
  return {
    name: "server",
    whenDown: (page) => {
      if (page.value("mem0_service_up") === undefined) page.set("mem0_service_up", 0);
    },
    collect: async (page) => {
      const [health, metrics] = await Promise.allSettled([get(`${url}/health`), get(metricsUrl)]);
      page.set("mem0_service_up", health.status === "fulfilled" ? 1 : 0);
      if (metrics.status === "fulfilled") reexport(parseExposition(metrics.value, known), page);
      for (const answer of [health, metrics]) if (answer.status === "rejected") throw answer.reason;
    },
    close: async () => agent.destroy(),
  };
}
