import { appendFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

/** Logs that are kept: a week of hourly runs and more. */
const KEPT = 200;

/** The log of one run, in the stack's own directory; each line is on its way to the disk when `line` returns. */
export class RunLog {
  readonly file: string;

  /** @param what the run, e.g. `backup-hourly`; `begun` becomes a part of the file's name */
  constructor(stateDir: string, what: string, begun: Date) {
    const directory = path.join(stateDir, "log", "backup");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.file = path.join(directory, `${begun.toISOString().replace(/[:.]/g, "-")}-${what}.log`);
    appendFileSync(this.file, "", { mode: 0o600 });
    for (const old of readdirSync(directory).sort().slice(0, -KEPT))
      rmSync(path.join(directory, old), { force: true });
  }

  line(text: string): void {
    appendFileSync(this.file, `${new Date().toISOString()} ${text}\n`);
  }
}
