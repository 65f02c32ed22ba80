import * as units from "@grafana/grafana-foundation-sdk/units";
import {
  answerTime,
  backupAge,
  connectionsTaken,
  equal,
  errorShare,
  memoriesGone,
  type Select,
} from "../promql.ts";
import { botPanels } from "./bot-panels.ts";
import { UP_DOWN } from "./guide-panels.ts";
import { inWords, type PanelSpec, SIZE } from "./panel.ts";

/** What follows the guide's panels, row by row. */
export function rows(of: Select, hasBot: boolean): { title: string; panels: PanelSpec[] }[] {
  return [
    { title: "Goals", panels: goals(of) },
    { title: "Neo4j", panels: neo4j(of) },
    { title: "Backups", panels: backups(of) },
    ...(hasBot ? [{ title: "Telegram", panels: botPanels(of) }] : []),
    { title: "Containers", panels: containers(of) },
  ];
}

function goals(of: Select): PanelSpec[] {
  const p95 = (kind: string) => answerTime(of, 0.95, equal("kind", kind), "$__rate_interval", "instance");
  return [
    {
      title: "Share of Failed Requests",
      description: "Requests that ended in an error of the server (5xx), looking back one hour and six.",
      unit: units.PercentUnit,
      shape: "lines",
      width: 12,
      alerts: ["Mem0ErrorBudgetBurnFast", "Mem0ErrorBudgetBurnSlow"],
      queries: [
        { expr: errorShare(of, "1h", "instance"), legend: "1 h" },
        { expr: errorShare(of, "6h", "instance"), legend: "6 h" },
      ],
    },
    {
      title: "Connections Taken",
      description: "Share of the connections that PostgreSQL allows.",
      unit: units.PercentUnit,
      shape: "lines",
      width: 12,
      alerts: ["Mem0ConnectionsRunOut"],
      queries: [{ expr: connectionsTaken(of), legend: "taken" }],
    },
    {
      title: "Read p95",
      description: "Time within which 95 % of the reads were answered, and its goal.",
      unit: units.Seconds,
      shape: "lines",
      width: 12,
      alerts: ["Mem0ReadsSlow"],
      queries: [{ expr: p95("read"), legend: "p95" }],
    },
    {
      title: "Write p95",
      description: "Time within which 95 % of the writes were answered, and its goal.",
      unit: units.Seconds,
      shape: "lines",
      width: 12,
      alerts: ["Mem0WritesSlow"],
      queries: [{ expr: p95("write"), legend: "p95" }],
    },
  ];
}

function neo4j(of: Select): PanelSpec[] {
  const calls = of("mem0_query_duration_seconds_bucket", 'store="neo4j"');
  return [
    {
      title: "Graph",
      description: "Entities, and the relationships that are still true.",
      unit: units.Short,
      shape: "lines",
      width: 8,
      queries: [
        { expr: of("mem0_neo4j_nodes"), legend: "entities" },
        { expr: of("mem0_neo4j_relationships"), legend: "relationships" },
      ],
    },
    {
      title: "Neo4j Query Duration",
      description:
        "Time within which 95 % of the memory server's calls of Neo4j were answered, by what it asked.",
      unit: units.Seconds,
      shape: "lines",
      width: 8,
      queries: [
        {
          expr: `histogram_quantile(0.95, sum by (le, operation) (rate(${calls}[$__rate_interval])))`,
          legend: "{{operation}}",
        },
      ],
    },
    {
      title: "Neo4j Heap",
      description: "Java heap in use, and how much there may be.",
      unit: SIZE,
      shape: "lines",
      width: 8,
      queries: [
        { expr: of("mem0_neo4j_heap_used_bytes"), legend: "used" },
        { expr: of("mem0_neo4j_heap_max_bytes"), legend: "allowed" },
      ],
    },
    inWords({
      title: "Data Identity",
      description: "Whether each store holds this stack's data.",
      width: 12,
      words: { 0: "OTHER DATA", 1: "OURS" },
      alerts: ["Mem0IdentityMismatch"],
      queries: [{ expr: of("mem0_identity_match"), legend: "{{store}}" }],
    }),
    {
      title: "Repairs",
      description:
        "Writes whose graph or history part is still to be finished, and those of which a store refuses its part.",
      unit: units.Short,
      shape: "lines",
      width: 12,
      alerts: ["Mem0RepairsParked"],
      queries: [
        { expr: of("mem0_repairs_pending"), legend: "pending" },
        { expr: of("mem0_repairs_parked"), legend: "refused" },
      ],
    },
  ];
}

function backups(of: Select): PanelSpec[] {
  return [
    inWords({
      title: "Last Backups",
      description: "Whether the last backup of each tier failed, or holds less than it should.",
      width: 8,
      words: { 0: "no", 1: "YES" },
      alerts: ["Mem0BackupFailed", "Mem0BackupSuspect"],
      queries: [{ expr: of("mem0_backup_last_run_result", 'result!="ok"'), legend: "{{tier}} {{result}}" }],
    }),
    {
      title: "Age of the Last Good Backup",
      description: "In runs of its tier: 1 is a backup that is due.",
      unit: units.Short,
      shape: "lines",
      width: 8,
      alerts: ["Mem0BackupOverdue"],
      queries: [{ expr: backupAge(of), legend: "{{tier}}" }],
    },
    {
      title: "Memories Gone Since the Last Good Backup",
      description:
        "Share of the memories in the newest good backup that are no longer there; below 0: new ones.",
      unit: units.PercentUnit,
      shape: "lines",
      width: 8,
      alerts: ["Mem0MemoriesDropped"],
      queries: [{ expr: memoriesGone(of, "instance"), legend: "gone" }],
    },
    {
      title: "Size of Backups",
      description: "The last good backup of each tier.",
      unit: SIZE,
      shape: "lines",
      width: 6,
      queries: [{ expr: of("mem0_backup_last_success_size_bytes"), legend: "{{tier}}" }],
    },
    {
      title: "Duration of Backups",
      description: "How long the last backup of each tier took.",
      unit: units.Seconds,
      shape: "lines",
      width: 6,
      queries: [{ expr: of("mem0_backup_last_run_duration_seconds"), legend: "{{tier}}" }],
    },
    inWords({
      title: "Copied Elsewhere",
      description: "Whether the last copy to another place succeeded, where one is wanted.",
      width: 6,
      words: { 0: "FAILED", 1: "DONE" },
      alerts: ["Mem0BackupCopyFailed"],
      queries: [{ expr: of("mem0_backup_copy_success"), legend: "result" }],
    }),
    {
      title: "Restore Drill",
      description: "How long ago a restore was tried last.",
      unit: units.Seconds,
      shape: "now",
      width: 6,
      alerts: ["Mem0RestoreDrillOverdue"],
      queries: [{ expr: `time() - ${of("mem0_restore_drill_timestamp_seconds")}`, legend: "ago" }],
    },
    inWords({
      title: "Restore Drill Passed",
      description: "Whether the last restore drill succeeded.",
      width: 6,
      words: { 0: "FAILED", 1: "PASSED" },
      alerts: ["Mem0RestoreDrillFailed"],
      queries: [{ expr: of("mem0_restore_drill_success"), legend: "result" }],
    }),
  ];
}

function containers(of: Select): PanelSpec[] {
  const free = of("mem0_disk_free_bytes");
  return [
    {
      title: "Uptime",
      description: "Time since each component was started.",
      unit: units.Seconds,
      shape: "now",
      width: 12,
      queries: [{ expr: `time() - ${of("mem0_component_start_time_seconds")}`, legend: "{{component}}" }],
    },
    inWords({
      title: "Versions",
      description: "What runs.",
      width: 12,
      words: { 1: "runs" },
      queries: [{ expr: of("mem0_component_info"), legend: "{{component}} {{version}}" }],
    }),
    {
      title: "Memory of Processes",
      description: "Resident memory of the memory server and the exporter.",
      unit: SIZE,
      shape: "lines",
      width: 8,
      queries: [{ expr: of("mem0_component_memory_bytes"), legend: "{{component}}" }],
    },
    {
      title: "Free Disk Space",
      description: "On the disk of the stores, of the stack's own files and of the backups.",
      unit: SIZE,
      shape: "lines",
      width: 8,
      alerts: ["Mem0DiskSpaceLow"],
      queries: [{ expr: free, legend: "{{place}}" }],
    },
    {
      title: "Free Disk Space in 4 Days",
      description: "As it went in the last six hours; below 0 the disk is full by then.",
      unit: SIZE,
      shape: "lines",
      width: 8,
      queries: [{ expr: `predict_linear(${free}[6h], 4 * 86400)`, legend: "{{place}}" }],
    },
    {
      title: "Largest Tables and Indexes",
      description: "What takes the space in PostgreSQL.",
      unit: SIZE,
      shape: "lines",
      width: 12,
      queries: [
        { expr: `topk(5, ${of("mem0_database_table_size_bytes")})`, legend: "{{table}}" },
        { expr: `topk(5, ${of("mem0_database_index_size_bytes")})`, legend: "{{index}}" },
      ],
    },
    inWords({
      title: "Exporter",
      description: "Whether each part of the stack can be read.",
      width: 12,
      words: UP_DOWN,
      alerts: ["Mem0WatchIncomplete"],
      queries: [{ expr: of("mem0_exporter_part_up"), legend: "{{part}}" }],
    }),
  ];
}
