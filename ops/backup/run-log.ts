import { appendFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { lookBelow, makeBelow } from "../base/below.ts";

/** Logs that are kept: a week of hourly runs and more. */
const KEPT = 200;

/** What the logs are called; nothing else is removed. */
const LOG = /^\d{4}-\d{2}-\d{2}T[\dZ-]+-[\w-]+\.log$/;

/** The log of one run, in the stack's own directory; each line is on its way to the disk when `line` returns. */
export class RunLog {
  readonly file: string;

  /** @param what the run, e.g. `backup-hourly`; `begun` becomes a part of the file's name */
  constructor(stateDir: string, what: string, begun: Date) {
    const directory = path.join(stateDir, "log", "backup");
    makeBelow(stateDir, directory);
    this.file = path.join(directory, `${begun.toISOString().replace(/[:.]/g, "-")}-${what}.log`);
    lookBelow(stateDir, this.file);
    appendFileSync(this.file, "", { mode: 0o600 });
    const logs = readdirSync(directory).filter((name) => LOG.test(name));
    for (const old of logs.sort().slice(0, -KEPT)) rmSync(path.join(directory, old), { force: true });
  }

  line(text: string): void {
    appendFileSync(this.file, `${new Date().toISOString()} ${text}\n`);
  }
}
