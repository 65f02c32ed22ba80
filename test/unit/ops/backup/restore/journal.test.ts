import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  allows,
  type Journal,
  leftWithoutEngine,
  PHASES,
  readJournal,
  refuseUnfinishedRestore,
  removeJournal,
  writeJournal,
} from "../../../../../ops/backup/restore/journal.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const state = scratchDirectory();
const journal = (phase: Journal["phase"]): Journal => ({
  version: 1,
  id: "20261124_120000",
  stack: "test",
  backup: "/backups/daily/20261124_023000",
  stores: ["postgres", "neo4j", "history"],
  postgresAs: "files",
  postgresFrom: "dump",
  leaveOutUnknown: false,
  adopt: false,
  phase,
  safetyBackup: "20261124_115900",
  memories: 10,
});

describe("the journal of a restore", () => {
  it("is read as it was written, and gone when it is removed", () => {
    writeJournal(state.path, journal("preparing"));
    expect(readJournal(state.path)).toEqual(journal("preparing"));
    removeJournal(state.path);
    expect(readJournal(state.path)).toBeUndefined();
  });

  it("that is damaged is never taken for none", () => {
    writeJournal(state.path, journal("swapping"));
    writeFileSync(path.join(state.path, "backup", "restore.json"), "{");
    expect(() => readJournal(state.path)).toThrow("the journal of a restore cannot be read");
  });

  it.each([
    ["preparing", ["continue", "roll-back"]],
    ["prepared", ["continue", "roll-back"]],
    ["swapping", ["continue", "roll-back"]],
    ["undoing", ["continue", "roll-back"]],
    ["done", ["roll-back", "finish", "begin"]],
    ["undone", ["finish", "begin"]],
  ] as const)("in phase %s lets one %s", (phase, wishes) => {
    const all = ["continue", "roll-back", "finish", "begin"] as const;
    expect(all.filter((wish) => allows(phase, wish))).toEqual(wishes);
  });

  it.each(PHASES)("in phase %s there is always a way on or a way back", (phase) => {
    expect(allows(phase, "continue") || allows(phase, "finish")).toBe(true);
  });
});

describe("a restore that the Docker engine left", () => {
  it.each([
    [undefined, "nothing live was changed", "the same command again"],
    [
      "preparing",
      "nothing live was changed, and unfinished copies may lie beside it",
      "--continue --stack prd",
    ],
    [
      "prepared",
      "nothing live was changed, and unfinished copies may lie beside it",
      "--roll-back --stack prd",
    ],
    ["swapping", "data was being swapped, and the stack may not serve", "--continue --stack prd"],
    ["undoing", "data was being swapped, and the stack may not serve", "--roll-back --stack prd"],
    ["done", "the work on a restore that has ended was cut off", "the same command again"],
  ] as const)("in phase %s tells what there is, and the way out", (phase, outcome, way) => {
    if (phase !== undefined) writeJournal(state.path, journal(phase));
    const left = leftWithoutEngine(state.path, "prd");
    expect(left.outcome).toBe(outcome);
    expect(left.mend).toContain(way);
    removeJournal(state.path);
  });
});

describe("while data is being swapped", () => {
  it.each(["swapping", "undoing"] as const)(
    "(%s) nothing else starts the stack, and both ways out are told",
    (phase) => {
      writeJournal(state.path, journal(phase));
      expect(() => refuseUnfinishedRestore(state.path)).toThrow("cut off while data was being swapped");
      try {
        refuseUnfinishedRestore(state.path);
      } catch (error) {
        expect((error as { mend: string }).mend).toMatch(/--continue.*--roll-back/);
      }
    },
  );

  it.each(["preparing", "prepared", "done", "undone"] as const)(
    "(%s is not it) other verbs go on",
    (phase) => {
      writeJournal(state.path, journal(phase));
      expect(() => refuseUnfinishedRestore(state.path)).not.toThrow();
    },
  );
});
