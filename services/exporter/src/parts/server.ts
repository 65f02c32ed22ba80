import { Agent, get as request } from "node:http";
import { text } from "node:stream/consumers";
import { type KnownLabels, parseExposition } from "../exposition.ts";
import type { Settings } from "../settings.ts";
import type { Part } from "./part.ts";
import { reexport } from "./traffic.ts";

/** Answers take a few milliseconds, but a busy server must not pass for a dead one. */
const TIMEOUT_MS = 2_000;

/** The memory server: whether it answers, and what it tells about its traffic. */
export function serverPart({ url, metricsUrl }: Settings["server"]): Part {
  // Not fetch(): its streams and its own parser would cost memory at each scrape, of which the exporter has little.
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

/** @throws when the answer is no success, or does not come in time */
function textOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return resolve(text(response));
      response.resume();
      reject(new Error(`${url} answered ${statusCode}`));
    }).once("error", reject);
  });
}
