import type { Manifest } from "../../config/manifest.ts";
import type { Settings } from "../../config/settings.ts";

/** What a stack has to run by itself, as its manifest tells it. */
export type DeployedSchedule = NonNullable<Manifest["schedule"]>;

/** Instead of a time: the job never ends, and is started again when it does. */
export const ALWAYS = "always";

/** How a job is done: by a verb of `./mem0`, or by the job's own process. */
export interface Job {
  /** What it does, for people. */
  title: string;
  /** The words behind `./mem0`; undefined for what needs none. */
  words?: (stack: string, identity: string | undefined) => string[];
  /** Docker's engine has to answer before it begins. */
  needsDocker?: true;
  /** It begins often and tells how the stack is: its exit code says nothing of the job, and its log is kept when not all is well. */
  judges?: true;
}

export const JOBS: Readonly<Record<string, Job>> = {
  backup: {
    title: "daily backup",
    words: (stack) => ["backup", "--stack", stack, "--tier", "daily"],
    needsDocker: true,
  },
  hourly: {
    title: "hourly backup",
    words: (stack) => ["backup", "--stack", stack, "--tier", "hourly"],
    needsDocker: true,
  },
  // Without needsDocker: that it is down is what it has to tell.
  health: {
    title: "health check",
    words: (stack) => ["health", "--stack", stack, "--tell"],
    judges: true,
  },
  verify: {
    title: "reading of all backups",
    words: (stack, identity) => ["verify", "--stack", stack, "--all", ...opened(identity)],
    needsDocker: true,
  },
  drill: {
    title: "restore drill",
    words: (stack, identity) => ["drill", "--stack", stack, ...opened(identity)],
    needsDocker: true,
  },
  logs: { title: "removal of old logs" },
  missed: { title: "look for missed runs" },
  exporter: { title: "exporter", words: (stack) => ["exporter", "--stack", stack] },
};

function opened(identity: string | undefined): string[] {
  return identity === undefined ? [] : ["--identity", identity];
}

/** The jobs of a stack's settings, by name, with when they run. */
export function jobsOf({
  schedule: { jobs, identity },
  backup: { recipients },
  observability,
}: Pick<Settings, "schedule" | "backup" | "observability">): Record<string, string> {
  const wanted = Object.entries(jobs).filter(
    // Nobody could open what is encrypted.
    ([name, when]) =>
      when !== "off" && !(name === "drill" && recipients.length > 0 && identity === undefined),
  );
  return Object.fromEntries([
    ...wanted,
    ...(observability.exporter === "host" ? [["exporter", ALWAYS] as const] : []),
  ]);
}
