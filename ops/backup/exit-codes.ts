/** Exit codes of the backup verbs beside those of every verb (ops/base/problem.ts); any other code is a failure too. */
export const BackupExit = {
  /** The backup was made, looks wrong beside the last good one, and was kept apart. */
  suspect: 4,
  /** The backup is good, but its copy elsewhere failed. */
  copyFailed: 5,
  /** Another run works on this stack's backups. */
  busy: 6,
} as const;
