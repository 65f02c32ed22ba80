import { type Command, Option } from "commander";
import prettyBytes from "pretty-bytes";
import { BackupExit } from "../ops/backup/exit-codes.ts";
import { TIERS, type Tier } from "../ops/backup/format/layout.ts";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import { type Taken, takeBackup } from "../ops/backup/take/take.ts";
import { ExitCode } from "../ops/base/problem.ts";
import packageJson from "../package.json" with { type: "json" };
import { deployedStack } from "./cli/context.ts";
import { runLogged } from "./cli/logged-step.ts";
import { printJson } from "./cli/output.ts";

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

async function backup(name: string, options: Options): Promise<void> {
  const stack = deployedStack(name);
  refuseUnfinishedRestore(stack.directory);
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interruption.abort());
  const json = options.json === true;
  const run = {
    title: `back up stack ${name}`,
    json,
    stateDir: stack.directory,
    name: `backup-${options.tier}`,
  };
  const { taken, log } = await runLogged(run, async ({ report, onBytes, log }) => ({
    log,
    taken: await takeBackup(stack, {
      tier: options.tier,
      pin: options.pin,
      toolVersion: packageJson.version,
      now: () => new Date(),
      report,
      onBytes,
      signal: interruption.signal,
    }),
  }));
  const summary = render(taken, log.file);
  log.line(summary);
  if (json) printJson(asJson(taken, log.file));
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
