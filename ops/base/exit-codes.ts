/** Every exit code of ./mem0 with what it tells, in the order of help and README; any other code is a failure too. */
const TABLE = {
  ok: { code: 0, means: "done" },
  failed: { code: 1, means: "failed, or what was looked at is not well" },
  usage: { code: 2, means: "wrong usage or settings" },
  notSetUp: { code: 3, means: "this machine is not set up; run: ./mem0 setup" },
  suspect: {
    code: 4,
    means: "the backup was made, looks wrong beside the last good one, and is kept apart",
  },
  copyFailed: { code: 5, means: "the backup is good, but its copy elsewhere failed" },
  busy: { code: 6, means: "another run is at work on this stack's backups" },
  interrupted: { code: 130, means: "interrupted, e.g. by Ctrl-C" },
  readerLeft: { code: 141, means: "whoever read the output stopped before its end" },
} as const satisfies Record<string, { code: number; means: string }>;

export type ExitName = keyof typeof TABLE;

/** The codes by name. */
export const ExitCode = Object.fromEntries(Object.entries(TABLE).map(([name, { code }]) => [name, code])) as {
  [Name in ExitName]: (typeof TABLE)[Name]["code"];
};

/** What each code tells. */
export const EXIT_MEANINGS = Object.fromEntries(
  Object.entries(TABLE).map(([name, { means }]) => [name, means]),
) as Record<ExitName, string>;

/** Codes that every verb may end with. */
export const COMMON_EXITS = [
  "ok",
  "failed",
  "usage",
  "notSetUp",
  "interrupted",
] as const satisfies ExitName[];

/** The lines of a help: those codes, each with its general meaning or the one given. */
export function exitLines(meanings: Partial<Record<ExitName, string>>): string[] {
  return (Object.keys(TABLE) as ExitName[])
    .filter((name) => name in meanings || COMMON_EXITS.some((common) => common === name))
    .map((name) => `  ${String(ExitCode[name]).padEnd(4)} ${meanings[name] ?? EXIT_MEANINGS[name]}`);
}
