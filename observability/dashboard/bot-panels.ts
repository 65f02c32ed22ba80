import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Select } from "../promql.ts";
import { inWords, type PanelSpec } from "./panel.ts";

/** How the Telegram bot is, where there is one. */
export function botPanels(of: Select): PanelSpec[] {
  const perSecond = (series: Parameters<Select>[0]) => `rate(${of(series)}[$__rate_interval])`;
  return [
    inWords({
      title: "Telegram Is Polled",
      description: "Whether the bot gets what is sent to it.",
      width: 6,
      words: { 0: "NO", 1: "YES" },
      alerts: ["Mem0BotNotPolling"],
      queries: [{ expr: of("mem0_bot_polling"), legend: "polling" }],
    }),
    {
      title: "Oldest Message Not Done",
      description: "How long the oldest message in the bot's inbox has been waiting.",
      unit: units.Seconds,
      shape: "lines",
      width: 6,
      alerts: ["Mem0BotInboxWaits"],
      queries: [{ expr: of("mem0_bot_waiting_oldest_seconds"), legend: "waiting" }],
    },
    {
      title: "Messages From Telegram",
      description: "By what they asked for, per second.",
      unit: units.Short,
      shape: "lines",
      width: 6,
      queries: [{ expr: perSecond("mem0_bot_messages_total"), legend: "{{kind}}" }],
    },
    {
      title: "Failed Calls of the Bot",
      description: "By whom it called, and why it failed, per second.",
      unit: units.Short,
      shape: "lines",
      width: 6,
      queries: [{ expr: perSecond("mem0_bot_failures_total"), legend: "{{peer}} {{reason}}" }],
    },
  ];
}
