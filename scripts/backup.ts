import { type Command, Option } from "commander";
import prettyBytes from "pretty-bytes";
import { ByteMeter } from "../ops/backup/byte-meter.ts";
import { BackupExit } from "../ops/backup/exit-codes.ts";
import { TIERS, type Tier } from "../ops/backup/layout.ts";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import { RunLog } from "../ops/backup/run-log.ts";
import { stateDirOf } from "../ops/backup/stack-access.ts";
import { type Taken, takeBackup } from "../ops/backup/take.ts";
import type { Report } from "../ops/engine-events.ts";
import { ExitCode, Problem } from "../ops/problem.ts";
import packageJson from "../package.json" with { type: "json" };
import { deployedStack } from "./context.ts";
import { printJson } from "./output.ts";
import { runStep } from "./progress.ts";

interface Options {
  tier: Tier;
  pin?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("backup")
    .description("make one backup of all that a stack stores")
    .argument("[stack]", "stack", "test")
    .addOption(
      new Option("-t, --tier <tier>", "hourly never stops Neo4j; the others do, for a moment")
        .choices(TIERS)
        .default("daily" satisfies Tier),
    )
    .option("--pin <name>", "keep this backup for good, under that name")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 good; 1 failed, there is no backup; 4 made, but it looks wrong beside the last good one and is kept\n" +
        "apart (./mem0 backups); 5 good, but its copy elsewhere failed; 6 another run is at work; 130 interrupted.\n" +
        '\nExamples:\n  ./mem0 backup\n  ./mem0 backup prd --tier hourly\n  ./mem0 backup prd --pin "before the move"',
    )
    .action(backup);
}

async function backup(stack: string, options: Options): Promise<void> {
  const manifest = deployedStack(stack);
  refuseUnfinishedRestore(stateDirOf(manifest));
  const log = new RunLog(stateDirOf(manifest), `backup-${options.tier}`, new Date());
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interruption.abort());

  const run = (say: Report) => {
    const report: Report = (line, passing) => {
      if (passing !== true) log.line(line);
      say(line, passing);
    };
    const meter = new ByteMeter(report);
    return takeBackup(manifest, {
      tier: options.tier,
      pin: options.pin,
      toolVersion: packageJson.version,
      now: () => new Date(),
      report,
      onBytes: meter.onBytes,
      signal: interruption.signal,
    });
  };
  let taken: Taken;
  try {
    const toErrors: Report = (line, passing) => {
      if (passing !== true) console.error(line);
    };
    taken = await (options.json === true ? run(toErrors) : runStep(`back up stack ${stack}`, run));
  } catch (error) {
    log.line(error instanceof Problem ? error.render() : String(error));
    throw error;
  }
  const summary = render(taken, log.file);
  log.line(summary);
  if (options.json === true) printJson(asJson(taken, log.file));
  else console.log(summary);
  process.exitCode = exitCodeOf(taken);
}

function exitCodeOf({ backup: { manifest }, copyFailure }: Taken): number {
  if (manifest.result === "suspect") return BackupExit.suspect;
  return copyFailure === undefined ? ExitCode.ok : BackupExit.copyFailed;
}

function asJson({ backup, promoted, seconds, copyFailure }: Taken, log: string): object {
  const { directory, bytes, pin, manifest } = backup;
  return {
    directory,
    bytes,
    pin: pin ?? null,
    promoted,
    seconds,
    copyFailure: copyFailure?.message ?? null,
    log,
    manifest,
  };
}

function render({ backup, promoted, seconds, copyFailure }: Taken, log: string): string {
  const { id, tier, directory, bytes, manifest } = backup;
  const { counts, writesHeldSeconds, neo4jStoppedSeconds } = manifest;
  const suspect = manifest.result === "suspect";
  const rate = prettyBytes(seconds === 0 ? 0 : bytes / seconds);
  return [
    `${suspect ? "SUSPECT: " : ""}${tier} backup ${id}: ${prettyBytes(bytes)} in ${seconds.toFixed(1)} s (${rate}/s)`,
    `  in        ${directory}`,
    `  holds     ${counts.memories} memories of ${counts.users} users, ${counts.nodes} nodes, ` +
      `${counts.relationships} relationships, ${counts.historyEntries} history entries`,
    `  services  writers waited ${writesHeldSeconds} s, Neo4j was stopped for ${neo4jStoppedSeconds} s`,
    ...(promoted.length === 0 ? [] : [`  also      ${promoted.join(", ")}`]),
    ...manifest.reasons.map((reason) => `  because   ${reason}`),
    ...(suspect
      ? [`  next      ./mem0 backups ${manifest.stack}, then: accept it, or restore the last good one`]
      : []),
    ...(copyFailure === undefined
      ? []
      : [`  COPY      ${copyFailure.render().replaceAll("\n", "\n            ")}`]),
    `  log       ${log}`,
  ].join("\n");
}
