import type { DefinedVerb } from "./verb.ts";

export interface Verb {
  name: string;
  /** One line for `./mem0 --help`. */
  summary: string;
  /** The verb's module, loaded when it is the one that was asked for. */
  load: () => Promise<{ verb: DefinedVerb }>;
}

/** Every verb of `./mem0`, in the order of `./mem0 --help`. */
export const VERBS: readonly Verb[] = [
  {
    name: "up",
    summary: "set up this machine and deploy a stack; again: changes only what differs",
    load: () => import("../up.ts"),
  },
  {
    name: "setup",
    summary: "get everything this machine needs; again: mends what is missing",
    load: () => import("../setup.ts"),
  },
  {
    name: "doctor",
    summary: "what of it is there, what is missing, and the command that mends it",
    load: () => import("../doctor.ts"),
  },
  {
    name: "env",
    summary: 'the environment for plain pulumi: eval "$(./mem0 env)"',
    load: () => import("../env.ts"),
  },
  {
    name: "down",
    summary: "stop and remove the containers of a stack; its data stays",
    load: () => import("../down.ts"),
  },
  {
    name: "status",
    summary: "services with health, ports, memory and uptime; number of memories and users",
    load: () => import("../status.ts"),
  },
  {
    name: "health",
    summary: "look at all of a stack: services, data, backups, disks, clock; what mends each finding",
    load: () => import("../health.ts"),
  },
  {
    name: "alert",
    summary: "tell something once, with a cooldown for its type; --test tries the way",
    load: () => import("../alert.ts"),
  },
  {
    name: "alerts",
    summary: "which alerts are open, silenced or wait to be sent",
    load: () => import("../alerts.ts"),
  },
  {
    name: "restart",
    summary: "stop services in order and start them again; what is declared stays as it is",
    load: () => import("../restart.ts"),
  },
  {
    name: "backup",
    summary: "make one backup of all that a stack stores",
    load: () => import("../backup.ts"),
  },
  {
    name: "metrics",
    summary: "current values of what is watched, with their last hours",
    load: () => import("../metrics.ts"),
  },
  {
    name: "exporter",
    summary: "run the exporter in the foreground instead of in a container",
    load: () => import("../exporter.ts"),
  },
  {
    name: "backups",
    summary: "which backups there are, why each is kept and until when",
    load: () => import("../backups.ts"),
  },
  {
    name: "verify",
    summary: "read backups from the first byte to the last: checksums, structure, counts, identity",
    load: () => import("../verify.ts"),
  },
  {
    name: "drill",
    summary: "restore a backup into throw-away containers, and ask them what the stack would ask",
    load: () => import("../drill.ts"),
  },
  {
    name: "schedule",
    summary: "what runs by itself: when next, how it went, and whether it is really installed",
    load: () => import("../schedule.ts"),
  },
  {
    name: "restore",
    summary: "bring back what a backup holds, beside the live data first",
    load: () => import("../restore.ts"),
  },
  { name: "remember", summary: "store what a text says", load: () => import("../remember.ts") },
  {
    name: "recall",
    summary: "find the memories nearest in meaning to a question",
    load: () => import("../recall.ts"),
  },
  {
    name: "export",
    summary: "write memories and relations to a file of JSON lines",
    load: () => import("../export.ts"),
  },
  {
    name: "import",
    summary: "take memories and relations from a file of JSON lines",
    load: () => import("../import.ts"),
  },
  { name: "test", summary: "run the project's own tests", load: () => import("../test.ts") },
  {
    name: "bench",
    summary: "measure this checkout beside what a user would run instead",
    load: () => import("../bench.ts"),
  },
];
