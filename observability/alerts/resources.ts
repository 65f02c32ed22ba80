import { GIBIBYTE } from "../../services/exporter/src/format.ts";
import { connectionsTaken, type Select } from "../promql.ts";
import { type Alert, DAY, HOUR, MINUTE, percent, type Thresholds } from "./alert.ts";

/** Whether connections and disks run out. */
export function resources(of: Select, { connections, diskFreeGb, diskFullDays }: Thresholds): Alert[] {
  const free = of("mem0_disk_free_bytes");
  return [
    {
      name: "Mem0ConnectionsRunOut",
      group: "resources",
      value: connectionsTaken(of),
      comparison: ">",
      threshold: connections,
      also: [],
      unit: "share",
      holds: 10 * MINUTE,
      severity: "warning",
      summary: "PostgreSQL runs out of connections",
      description: `{value} of the connections that PostgreSQL allows are taken; the limit of this alert is ${percent(connections)}.`,
      section: "connections-run-out",
    },
    {
      name: "Mem0DiskSpaceLow",
      group: "resources",
      value: free,
      comparison: "<",
      threshold: diskFreeGb * GIBIBYTE,
      also: [],
      unit: "bytes",
      holds: 5 * MINUTE,
      severity: "critical",
      summary: "Little disk space is left",
      // That of the backups is as old as the last run.
      description: `{value} were free on the disk of {place} when it was last looked at; the limit of this alert is ${diskFreeGb} GiB.`,
      section: "the-disk-fills-up",
    },
    {
      name: "Mem0DiskFillsUp",
      group: "resources",
      // The trend of six hours, as the mixin of the node exporter takes it.
      value: `${free} / (-deriv(${free}[6h]) > 0)`,
      comparison: "<",
      threshold: diskFullDays * DAY,
      // On a disk that is mostly empty, six busy hours are no trend.
      also: [`${free} / ${of("mem0_disk_size_bytes")} < 0.4`],
      unit: "seconds",
      holds: HOUR,
      severity: "warning",
      summary: `A disk will be full within ${diskFullDays} days`,
      description: "The disk of {place} is full in {value} if it goes on filling as it does.",
      section: "the-disk-fills-up",
    },
  ];
}
