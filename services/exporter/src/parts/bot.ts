import { Agent } from "node:http";
import type { MetricName } from "../catalogue.ts";
import { type KnownLabels, parseExposition, type Sample } from "../exposition.ts";
import type { Page } from "../page.ts";
import { textOf } from "./http.ts";
import type { Part } from "./part.ts";

/** Metrics of the bot that are served as they are. */
const PASSED_ON: readonly string[] = [
  "mem0_bot_polling",
  "mem0_bot_last_poll_timestamp_seconds",
  "mem0_bot_fault",
  "mem0_bot_failures_total",
  "mem0_bot_messages_total",
  "mem0_bot_outcomes_total",
  "mem0_bot_waiting",
  "mem0_bot_waiting_oldest_seconds",
] satisfies readonly MetricName[];

/** The Telegram bot: whether it answers, and what it tells about itself. */
export function botPart(metricsUrl: string): Part {
  const agent = new Agent({ keepAlive: true });
  const known: KnownLabels = new Map();
  return {
    name: "bot",
    whenDown: (page) => page.set("mem0_bot_up", 0),
    collect: async (page) => {
      const samples = parseExposition(await textOf(metricsUrl, agent), known);
      page.set("mem0_bot_up", 1);
      show(samples, page);
    },
    close: async () => agent.destroy(),
  };
}

function show(samples: readonly Sample[], page: Page): void {
  const component = { component: "bot" };
  for (const { name, labels, value } of samples) {
    if (PASSED_ON.includes(name)) page.set(name as MetricName, value, labels);
    else if (name === "mem0_bot_info")
      page.set("mem0_component_info", 1, { ...component, version: labels.version ?? "" });
    else if (name === "process_start_time_seconds")
      page.set("mem0_component_start_time_seconds", value, component);
    else if (name === "process_resident_memory_bytes")
      page.set("mem0_component_memory_bytes", value, component);
  }
}
