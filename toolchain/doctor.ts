import type { Part } from "./steps/step.ts";

/** What doctor found, for `--json`. */
export interface Diagnosis {
  /** Whether every part is there. */
  well: boolean;
  /** Whether this machine was ever set up: there is a machine file. */
  setUp: boolean;
  parts: Part[];
}

export function diagnose(parts: Part[]): Diagnosis {
  const wasWritten = parts.some(({ name, state }) => name === "machine file" && state !== "missing");
  return { well: parts.every(({ state }) => state === "there"), setUp: wasWritten, parts };
}

export const DOCTOR_HEAD = ["part", "state", "version", "way", "where, or what is wrong"];

/** One row per part, under `DOCTOR_HEAD`. */
export function doctorRows({ parts }: Diagnosis): string[][] {
  return parts.map(({ name, state, version, way, detail }) => [
    name,
    state,
    version ?? "",
    way ?? "",
    detail ?? "",
  ]);
}

/** What to do, each command once, in the order of the parts it mends; empty when all is well. */
export function mendings({ parts }: Diagnosis): string[] {
  const byCommand = new Map<string, string[]>();
  for (const { name, state, mend } of parts) {
    if (state === "there") continue;
    const command = mend ?? "";
    byCommand.set(command, [...(byCommand.get(command) ?? []), name]);
  }
  return [...byCommand].map(([command, names]) => `${names.join(", ")}: ${command}`);
}
