import { allWell, type Check } from "../ops/base/check.ts";
import type { Part } from "./steps/step.ts";

/** What doctor found, for `--json`. */
export interface Diagnosis {
  /** Whether every part is there. */
  well: boolean;
  /** Whether this machine was ever set up: there is a machine file. */
  setUp: boolean;
  parts: Part[];
  /** The parts as what was looked at. */
  checks: Check[];
}

export function diagnose(parts: Part[]): Diagnosis {
  const wasWritten = parts.some(({ name, state }) => name === "machine file" && state !== "missing");
  const checks = parts.map(asCheck);
  return { well: allWell(checks), setUp: wasWritten, parts, checks };
}

function asCheck({ name, state, version, detail, mend }: Part): Check {
  const found = detail ?? version ?? state;
  return { name, ok: state === "there", found, ...(mend === undefined ? {} : { mend }) };
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
