import { Option } from "commander";
import { tellBackup } from "../ops/alerts/backup-result.ts";
import { TIERS, type Tier } from "../ops/backup/format/layout.ts";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import type { Taken } from "../ops/backup/take/run.ts";
import { takeBackup } from "../ops/backup/take/take.ts";
import { byteSize } from "../ops/base/byte-size.ts";
import type { ExitName } from "../ops/base/exit-codes.ts";
import { counted } from "../ops/base/words.ts";
import packageJson from "../package.json" with { type: "json" };
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb<{ tier: Tier; pin?: string }>({
  declare: (command) =>
    command
      .addOption(
        new Option("-t, --tier <tier>", "hourly never stops Neo4j; the others do, for a moment")
          .choices(TIERS)
          .default("daily" satisfies Tier),
      )
      .option("--pin <name>", "keep this backup for good, under that name"),
  json: "the result",
  exits: {
    ok: "the backup is good",
    failed: "there is no backup",
    suspect: "made, but it looks wrong beside the last good one and is kept apart (./mem0 backups)",
    copyFailed: "good, but its copy elsewhere failed",
    busy: "another run is at work on this stack's backups",
  },
  examples: ["backup", "backup prd --tier hourly", 'backup prd --pin "before the move"'],
  run: async (call) => {
    const { tier, pin } = call.options;
    const stack = call.deployed();
    refuseUnfinishedRestore(stack.directory);
    const run = { title: `back up stack ${stack.name}`, name: `backup-${tier}` };
    const taking = call.run(run, async ({ report, onBytes, log }) => ({
      log,
      taken: await takeBackup(stack, {
        tier,
        pin,
        toolVersion: packageJson.version,
        now: () => new Date(),
        report,
        onBytes,
        signal: call.interruption.signal,
      }),
    }));
    const { taken, log } = await taking.catch(async (error: Error) => {
      await tellBackup(stack, tier, error);
      throw error;
    });
    const text = render(taken, log.file);
    log.line(text);
    const [summary = ""] = text.split("\n");
    const isSuspect = taken.backup.manifest.result === "suspect";
    await tellBackup(stack, tier, isSuspect ? new Error(summary) : summary);
    return { text, json: asJson(taken, log.file), exit: exitOf(taken) };
  },
});

function exitOf({ backup: { manifest }, copyFailure }: Taken): ExitName {
  if (manifest.result === "suspect") return "suspect";
  return copyFailure === undefined ? "ok" : "copyFailed";
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
  const rate = byteSize(seconds === 0 ? 0 : bytes / seconds);
  return [
    `${suspect ? "SUSPECT: " : ""}${tier} backup ${id}: ${byteSize(bytes)} in ${seconds.toFixed(1)} s (${rate}/s)`,
    `  in        ${directory}`,
    `  holds     ${counted(counts.memories, "memory")} of ${counted(counts.users, "user")}, ` +
      `${counted(counts.nodes, "node")}, ${counted(counts.relationships, "relationship")}, ` +
      counted(counts.historyEntries, "history entry"),
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
