import type { Settings } from "../config/settings.ts";
import type { Alert, AlertOptions } from "./alerts/alert.ts";
import { availability } from "./alerts/availability.ts";
import { backups } from "./alerts/backups.ts";
import { bot } from "./alerts/bot.ts";
import { data } from "./alerts/data.ts";
import { resources } from "./alerts/resources.ts";
import { traffic } from "./alerts/traffic.ts";
import { watching } from "./alerts/watching.ts";
import { seriesOf } from "./promql.ts";

/** The runbook is read where the exporter serves it. */
export function alertOptions({
  stack,
  ports,
  observability,
  telegram,
  backup: { maxDropShare },
}: Pick<Settings, "stack" | "ports" | "observability" | "telegram"> & {
  backup: { maxDropShare: number };
}): AlertOptions {
  return {
    stack,
    job: observability.prometheus.job,
    thresholds: { ...observability.alerts, maxDropShare },
    // An exporter on the host is outside the network on which the bot tells its metrics.
    bot: telegram !== undefined && observability.exporter === "container",
    runbook: `http://127.0.0.1:${ports.exporter}/runbook`,
  };
}

/** All alerts of a stack: the one statement of what is wrong with it. */
export function alertsOf({ stack, job, thresholds, bot: hasBot }: AlertOptions): Alert[] {
  const of = seriesOf({ job, stack });
  return [
    ...availability(of),
    ...traffic(of, thresholds),
    ...resources(of, thresholds),
    ...data(of, thresholds),
    ...backups(of, thresholds),
    ...(hasBot ? bot(of) : []),
    ...watching(of, job),
  ];
}
