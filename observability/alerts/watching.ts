import type { Select } from "../promql.ts";
import { type Alert, MINUTE } from "./alert.ts";

/** Whether anybody would hear of it. */
export function watching(of: Select, job: string): Alert[] {
  const group = "watching";
  return [
    {
      name: "Mem0ExporterGone",
      group,
      value: `absent(${of("up")} == 1)`,
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "state",
      holds: 2 * MINUTE,
      severity: "critical",
      summary: "Nobody knows how the stack is",
      description: `No exporter of job ${job} answers (value {value}): no other alert can be relied on.`,
      section: "the-exporter-is-gone",
    },
    {
      name: "Mem0WatchIncomplete",
      group,
      value: of("mem0_exporter_part_up", 'part=~"backups|disk"'),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "The exporter cannot read a part of the stack",
      description: "mem0_exporter_part_up of {part} is {value}: alerts about it cannot be raised.",
      section: "the-exporter-is-gone",
    },
    {
      name: "Mem0Watchdog",
      group,
      value: "vector(1)",
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "state",
      holds: 0,
      severity: "none",
      summary: "Alerting works",
      description: "Fires always (value {value}): when it stops, no alert arrives any more.",
      section: "the-watchdog",
    },
  ];
}
