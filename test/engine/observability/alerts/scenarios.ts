/** What happens to a stack, minute by minute, and what is then said about it. */
export interface Scenario {
  alert: string;
  /** What goes wrong, to complete "… is raised when …". */
  when: string;
  /** Series without the labels of the stack, with values as promtool writes them: `1x4` is five samples of 1. */
  series: Record<string, string>;
  /** Between two samples, and two evaluations of the rules. */
  interval: string;
  /** When nothing is raised yet, when it is, and when no more; without `quiet` and `resolved` it is always raised. */
  quiet?: string;
  raised: string;
  resolved?: string;
  /** Labels beside `severity` and `stack`. */
  labels: Record<string, string>;
  tells: string;
}

/** Labels of a series that was scraped. */
export const SCRAPED = { instance: "exporter:9103", job: "mem0-metrics" };

/** Fine for five minutes, wrong for twelve, fine again. */
const BROKEN = "1x4 0x11 1x10";
const DURING = { interval: "1m", quiet: "4m", raised: "12m", resolved: "18m" };

/** As many requests all the time, and how many of them failed. */
const traffic = (requests: string, errors: string) => ({
  'mem0_api_requests_total{kind="read",status="2xx"}': requests,
  'mem0_api_errors_total{kind="read",status="5xx"}': errors,
  // The probes fail all the time, which is nobody's traffic.
  'mem0_api_requests_total{kind="probe",status="5xx"}': "0+100x500",
  'mem0_api_errors_total{kind="probe",status="5xx"}': "0+100x500",
});

/** Ten answers a minute, of which none is within the goal from minute 31 to 61. */
const slow = (kind: string, goal: string, above: string) => ({
  [`mem0_api_response_time_seconds_bucket{kind="${kind}",le="${goal}"}`]: "0+10x30 300x30 300+10x30",
  [`mem0_api_response_time_seconds_bucket{kind="${kind}",le="${above}"}`]: "0+10x92",
  [`mem0_api_response_time_seconds_bucket{kind="${kind}",le="+Inf"}`]: "0+10x92",
});

export const SCENARIOS: readonly Scenario[] = [
  {
    alert: "Mem0ServerDown",
    when: "the server does not answer",
    series: { mem0_service_up: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_service_up is 0: nothing can be remembered or recalled.",
  },
  {
    alert: "Mem0ServerNotReady",
    when: "the server waits for a store",
    series: { mem0_service_up: "1x30", mem0_service_ready: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_service_ready is 0: a store does not answer or holds other data.",
  },
  {
    alert: "Mem0PostgresDown",
    when: "PostgreSQL does not answer",
    series: { mem0_postgres_up: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_postgres_up is 0: memories can be neither read nor written.",
  },
  {
    alert: "Mem0Neo4jDown",
    when: "Neo4j does not answer",
    series: { mem0_neo4j_up: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_neo4j_up is 0: the graph can be neither read nor written.",
  },
  {
    alert: "Mem0ErrorBudgetBurnFast",
    when: "half of the requests fail for an hour",
    series: traffic("0+10x240", "0x59 0+5x60 300x120"),
    interval: "1m",
    quiet: "70m",
    raised: "120m",
    resolved: "130m",
    labels: {},
    tells:
      "50% of the requests, looking back 1h at most, ended in an error of the server (5xx); the limit of this alert is 14.4 %, 14.4 times what an objective of 99 % allows.",
  },
  {
    alert: "Mem0ErrorBudgetBurnSlow",
    when: "a tenth of the requests fail for six hours",
    series: traffic("0+10x200", "0x71 0+1x72 72x60"),
    interval: "5m",
    quiet: "7h",
    raised: "12h",
    resolved: "13h",
    labels: {},
    tells:
      "10% of the requests, looking back 6h at most, ended in an error of the server (5xx); the limit of this alert is 6 %, 6 times what an objective of 99 % allows.",
  },
  {
    alert: "Mem0ReadsSlow",
    when: "no read is within its goal",
    series: slow("read", "1", "2.5"),
    interval: "1m",
    quiet: "30m",
    raised: "50m",
    resolved: "75m",
    labels: {},
    tells: "One read in twenty takes longer than 2.425s; the goal is 1 s.",
  },
  {
    alert: "Mem0WritesSlow",
    when: "no write is within its goal",
    series: slow("write", "5", "10"),
    interval: "1m",
    quiet: "30m",
    raised: "50m",
    resolved: "75m",
    labels: {},
    tells: "One write in twenty takes longer than 9.75s; the goal is 5 s.",
  },
  {
    alert: "Mem0ConnectionsRunOut",
    when: "nine of ten connections are taken",
    series: { mem0_database_connections: "50x4 90x19 50x10", mem0_database_connections_max: "100x40" },
    interval: "1m",
    quiet: "12m",
    raised: "20m",
    resolved: "26m",
    labels: SCRAPED,
    tells: "90% of the connections that PostgreSQL allows are taken; the limit of this alert is 80 %.",
  },
  {
    alert: "Mem0DiskSpaceLow",
    when: "8 GiB are left",
    series: { 'mem0_disk_free_bytes{place="data"}': "20000000000x4 8589934592x14 20000000000x10" },
    interval: "1m",
    quiet: "8m",
    raised: "15m",
    resolved: "21m",
    labels: { ...SCRAPED, place: "data" },
    tells:
      "8GiB were free on the disk of data when it was last looked at; the limit of this alert is 10 GiB.",
  },
  {
    alert: "Mem0DiskFillsUp",
    when: "a disk loses 1.2 GB an hour",
    series: {
      'mem0_disk_free_bytes{place="data"}': "38000000000-100000000x48 33200000000x100",
      'mem0_disk_size_bytes{place="data"}': "100000000000x150",
    },
    interval: "5m",
    quiet: "30m",
    raised: "3h",
    resolved: "12h",
    labels: { ...SCRAPED, place: "data" },
    tells: "The disk of data is full in 1d 4h 40m 0s if it goes on filling as it does.",
  },
  {
    alert: "Mem0IdentityMismatch",
    when: "a store holds other data",
    series: { 'mem0_identity_match{store="neo4j"}': BROKEN, 'mem0_identity_match{store="postgres"}': "1x30" },
    ...DURING,
    labels: { ...SCRAPED, store: "neo4j" },
    tells: "mem0_identity_match of neo4j is 0: it is empty, another stack's, or of another embedding model.",
  },
  {
    alert: "Mem0RepairsParked",
    when: "the graph refuses a part of a write",
    series: { mem0_repairs_parked: "0x4 2x11 0x10" },
    ...DURING,
    labels: SCRAPED,
    tells: "2 writes are whole in Postgres, and of each the graph or the history lacks its part.",
  },
  {
    alert: "Mem0MemoriesDropped",
    when: "many memories of the newest backup are gone, whatever older backups hold",
    series: {
      mem0_memories_total: "100x4 70x11 100x10",
      'mem0_backup_last_success_memories{tier="daily"}': "100x30",
      'mem0_backup_last_success_timestamp_seconds{tier="daily"}': "2000x30",
      'mem0_backup_last_success_memories{tier="weekly"}': "1000x30",
      'mem0_backup_last_success_timestamp_seconds{tier="weekly"}': "1000x30",
    },
    ...DURING,
    labels: {},
    tells: "30% fewer memories than in the last good backup; the limit of this alert is 20 %.",
  },
  {
    alert: "Mem0BackupOverdue",
    when: "two runs of a tier are missed",
    series: {
      'mem0_backup_last_success_timestamp_seconds{tier="hourly"}': "60x15 9600x20",
      'mem0_backup_interval_seconds{tier="hourly"}': "3600x40",
      'mem0_backup_last_success_timestamp_seconds{tier="daily"}': "60x40",
      'mem0_backup_interval_seconds{tier="daily"}': "86400x40",
    },
    interval: "10m",
    quiet: "120m",
    raised: "150m",
    resolved: "170m",
    labels: { ...SCRAPED, tier: "hourly" },
    tells: "The last good hourly backup is 2.483 runs old; the limit of this alert is 2.",
  },
  ...(
    [
      ["Mem0BackupFailed", "failed", "The last daily backup failed (value 1)."],
      [
        "Mem0BackupSuspect",
        "suspect",
        "The last daily backup is kept apart as suspect (value 1); nothing is pruned until a person has looked.",
      ],
    ] as const
  ).map(([alert, result, tells]) => ({
    alert,
    when: `a backup ends as ${result}`,
    series: { [`mem0_backup_last_run_result{tier="daily",result="${result}"}`]: "0x4 1x5 0x10" },
    interval: "1m",
    quiet: "4m",
    raised: "6m",
    resolved: "12m",
    labels: { ...SCRAPED, tier: "daily", result },
    tells,
  })),
  {
    alert: "Mem0BackupCopyFailed",
    when: "a backup could not be copied elsewhere",
    series: { mem0_backup_copy_success: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_backup_copy_success is 0: the last backup that was to be copied is on this machine alone.",
  },
  {
    alert: "Mem0BackupMissing",
    when: "memories are two days old and no backup was tried",
    series: {
      mem0_memories_total: "5x100",
      'mem0_backup_last_run_timestamp_seconds{tier="daily"}': "_x60 216000x40",
    },
    interval: "1h",
    quiet: "40h",
    raised: "55h",
    resolved: "62h",
    labels: {},
    tells: "There were 5 memories two days ago, and no backup is known to have been tried since.",
  },
  {
    alert: "Mem0RestoreDrillOverdue",
    when: "the last drill is five weeks old",
    series: { mem0_restore_drill_timestamp_seconds: "60x147 3196800x20" },
    interval: "6h",
    quiet: "34d",
    raised: "36d",
    resolved: "38d",
    labels: SCRAPED,
    tells: "The last restore drill was 35d 23h 59m 0s ago; the limit of this alert is 35 days.",
  },
  {
    alert: "Mem0RestoreDrillFailed",
    when: "a restore did not succeed",
    series: { mem0_restore_drill_success: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_restore_drill_success is 0: the drill did not bring the backup back.",
  },
  ...["0x11", "stale _x10"].map((gone) => ({
    alert: "Mem0ExporterGone",
    when: gone === "0x11" ? "the exporter cannot be scraped" : "the exporter is scraped no more",
    series: { up: `1x4 ${gone} 1x10` },
    ...DURING,
    labels: {},
    tells: "No exporter of job mem0-metrics answers (value 1): no other alert can be relied on.",
  })),
  {
    alert: "Mem0WatchIncomplete",
    when: "the status of the backups is damaged",
    series: { 'mem0_exporter_part_up{part="backups"}': "1x4 0x19 1x10" },
    interval: "1m",
    quiet: "12m",
    raised: "20m",
    resolved: "26m",
    labels: { ...SCRAPED, part: "backups" },
    tells: "mem0_exporter_part_up of backups is 0: alerts about it cannot be raised.",
  },
  {
    alert: "Mem0BotDown",
    when: "the bot does not answer",
    series: { mem0_bot_up: BROKEN },
    ...DURING,
    labels: SCRAPED,
    tells: "mem0_bot_up is 0: what is sent to it waits at Telegram, for a day at most.",
  },
  {
    alert: "Mem0BotRefused",
    when: "another program polls with its token",
    series: {
      'mem0_bot_fault{peer="telegram",reason="conflict"}': "0x4 1x11 0x10",
      'mem0_bot_fault{peer="telegram",reason="timeout"}': "1x30",
    },
    ...DURING,
    labels: { ...SCRAPED, peer: "telegram", reason: "conflict" },
    tells:
      "Telegram refuses the bot, reason conflict (value 1): conflict is a second program with its token, token a wrong one.",
  },
  {
    alert: "Mem0BotNotPolling",
    when: "Telegram cannot be reached",
    series: {
      mem0_bot_polling: "1x4 0x15 1x10",
      'mem0_bot_fault{peer="telegram",reason="unreachable"}': "0x4 1x15 0x10",
    },
    interval: "1m",
    quiet: "13m",
    raised: "16m",
    resolved: "22m",
    labels: SCRAPED,
    tells:
      "mem0_bot_polling is 0, and mem0_bot_fault has the reason: what is sent waits at Telegram, for a day at most.",
  },
  {
    alert: "Mem0BotInboxWaits",
    when: "a message waits for an hour",
    series: { mem0_bot_waiting_oldest_seconds: "0+60x60 0x20" },
    interval: "1m",
    quiet: "34m",
    raised: "40m",
    resolved: "65m",
    labels: SCRAPED,
    tells:
      "The oldest message in the bot's inbox has waited for 40m 0s; nothing is lost, and mem0_bot_fault has the reason.",
  },
  {
    alert: "Mem0Watchdog",
    when: "all is well, too",
    series: {},
    interval: "1m",
    raised: "1m",
    labels: {},
    tells: "Fires always (value 1): when it stops, no alert arrives any more.",
  },
];

/** What raises nothing although it looks like it. */
export const FALSE_ALARMS: readonly (Pick<Scenario, "alert" | "when" | "series" | "interval"> & {
  at: string;
})[] = [
  {
    alert: "Mem0ErrorBudgetBurnFast",
    when: "ten requests in an hour fail",
    series: traffic("0+1x30", "0+1x30"),
    interval: "6m",
    at: "2h",
  },
  {
    alert: "Mem0DiskFillsUp",
    when: "a disk that is mostly empty loses 1.2 GB an hour",
    series: {
      'mem0_disk_free_bytes{place="data"}': "80000000000-100000000x48",
      'mem0_disk_size_bytes{place="data"}': "100000000000x50",
    },
    interval: "5m",
    at: "3h",
  },
  {
    alert: "Mem0BackupOverdue",
    when: "a tier has failed from its first run on, which is another alert",
    series: {
      'mem0_backup_last_success_timestamp_seconds{tier="hourly"}': "0x40",
      'mem0_backup_interval_seconds{tier="hourly"}': "3600x40",
    },
    interval: "10m",
    at: "4h",
  },
  {
    alert: "Mem0MemoriesDropped",
    when: "memories were added since the last good backup",
    series: {
      mem0_memories_total: "200x30",
      'mem0_backup_last_success_memories{tier="daily"}': "100x30",
      'mem0_backup_last_success_timestamp_seconds{tier="daily"}': "2000x30",
    },
    interval: "1m",
    at: "20m",
  },
  {
    alert: "Mem0BotNotPolling",
    when: "its token is refused, which is another alert",
    series: { mem0_bot_polling: "0x30", 'mem0_bot_fault{peer="telegram",reason="token"}': "1x30" },
    interval: "1m",
    at: "20m",
  },
  {
    alert: "Mem0ReadsSlow",
    when: "nobody asks",
    series: slow("read", "1", "2.5"),
    interval: "1m",
    at: "120m",
  },
];
