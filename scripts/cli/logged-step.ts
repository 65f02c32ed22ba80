import { ByteMeter } from "../../ops/backup/format/byte-meter.ts";
import type { OnBytes } from "../../ops/backup/format/part-files.ts";
import { RunLog } from "../../ops/backup/run-log.ts";
import { Problem } from "../../ops/base/problem.ts";
import type { Report } from "../../ops/stack/pulumi-events.ts";
import { tell } from "./output.ts";
import { runStep } from "./progress.ts";

/** How a run is shown and what its log is called. */
export interface LoggedRun {
  title: string;
  /** Progress goes to standard error: standard output is for the report alone. */
  json: boolean;
  stateDir: string;
  /** E.g. `backup-hourly`. */
  name: string;
}

/** What a run tells about itself, and the log that it is written to. */
export interface Telling {
  report: Report;
  onBytes: OnBytes;
  log: RunLog;
}

/**
 * Runs work on backups with its progress shown, bytes and their rate among it; its lines, and the reason if it fails, are
 * kept in a log of its own.
 */
export async function runLogged<T>(
  { title, json, stateDir, name }: LoggedRun,
  work: (telling: Telling) => Promise<T>,
): Promise<T> {
  const log = new RunLog(stateDir, name, new Date());
  const run = (say: Report) => {
    const report: Report = (line, passing) => {
      if (passing !== true) log.line(line);
      say(line, passing);
    };
    return work({ report, onBytes: new ByteMeter(report).onBytes, log });
  };
  try {
    if (!json) return await runStep(title, run);
    return await run((line, passing) => {
      if (passing !== true) tell(line);
    });
  } catch (error) {
    log.line(error instanceof Problem ? error.render() : String(error));
    throw error;
  }
}
