/** One thing that was looked at: in a backup, in what was restored from one, on a host. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was found: a figure when it is well, else the reason. */
  found: string;
  /** The command or the edit that mends it, where there is one. */
  mend?: string;
}
