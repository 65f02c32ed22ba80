import { memoriesGone, type Select } from "../promql.ts";
import { type Alert, MINUTE, percent, type Thresholds } from "./alert.ts";

/** Whether the memories are there, and this stack's. */
export function data(of: Select, { maxDropShare }: Thresholds): Alert[] {
  return [
    {
      name: "Mem0IdentityMismatch",
      group: "data",
      value: of("mem0_identity_match"),
      comparison: "<",
      threshold: 1,
      also: [],
      unit: "state",
      holds: MINUTE,
      severity: "critical",
      summary: "A store holds data that is not this stack's",
      description:
        "mem0_identity_match of {store} is {value}: it is empty, another stack's, or of another embedding model.",
      section: "a-store-holds-other-data",
    },
    {
      name: "Mem0MemoriesDropped",
      group: "data",
      value: memoriesGone(of, "stack"),
      comparison: ">",
      threshold: maxDropShare,
      also: [],
      unit: "share",
      holds: 5 * MINUTE,
      severity: "critical",
      summary: "Many memories are gone since the last good backup",
      description: `{value} fewer memories than in the last good backup; the limit of this alert is ${percent(maxDropShare)}.`,
      section: "memories-are-missing",
    },
    {
      name: "Mem0RepairsParked",
      group: "data",
      value: of("mem0_repairs_parked"),
      comparison: ">",
      threshold: 0,
      also: [],
      unit: "count",
      holds: 5 * MINUTE,
      severity: "warning",
      summary: "The graph or the history refuses a part of a write for good",
      description:
        "{value} writes are whole in Postgres, and of each the graph or the history lacks its part.",
      section: "a-part-of-a-write-is-refused",
    },
  ];
}
