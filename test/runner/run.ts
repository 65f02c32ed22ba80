import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import prettyMs from "pretty-ms";
import writeFileAtomic from "write-file-atomic";
import type { ExitName } from "../../ops/base/exit-codes.ts";
import { Problem } from "../../ops/base/problem.ts";
import { CHECKOUT } from "../../toolchain/layout.ts";
import { runSetup } from "../../toolchain/setup.ts";
import { everything, reachedFrom } from "./change.ts";
import type { Check } from "./checks.ts";
import { testEnvironment } from "./environment.ts";
import { imageChecks } from "./images.ts";
import { inLanes } from "./lanes.ts";
import { installNeeds, NEEDS, type NeedName } from "./needs.ts";
import {
  type FileResult,
  firstLine,
  named,
  renderNamed,
  renderTally,
  tally,
  withoutSkips,
} from "./results.ts";
import { type RoundsName, type RoundsOptions, roundsCheck } from "./rounds.ts";
import { dockerChecks, type Suite, unitChecks } from "./suites.ts";
import { renderTimes, withTimes } from "./times.ts";

export interface RunOptions {
  suites: readonly Suite[];
  /** Only what a change since this commit can reach. */
  changedSince?: string | undefined;
  /** How many programs run side by side. */
  lanes: number;
  /** Whether a test that is skipped has failed. */
  skipsFail: boolean;
  /** Writes the times of this run into docs/testing.md. */
  record: boolean;
  /** Whether the unit tests of TypeScript tell how much of the code they run. */
  coverage: boolean;
}

/** One thing after the other; what it is made of runs in lanes. */
class Run {
  readonly #results: FileResult[] = [];
  readonly #started = performance.now();
  readonly #stop: AbortSignal;
  readonly #lanes: number;

  /** @param stop ends what runs; no more is begun then */
  constructor(lanes: number, stop: AbortSignal) {
    this.#lanes = lanes;
    this.#stop = stop;
  }

  /** Builds what the tests run on; it is told at the end only when that fails. */
  async prepare(checks: readonly Check[]): Promise<boolean> {
    const { files } = await this.#inLanes(checks);
    const failed = files.filter((file) => tally([file]).failed > 0);
    this.#results.push(...failed);
    return failed.length === 0;
  }

  /** @returns the results, and how many seconds all lanes together took */
  async lanes(checks: readonly Check[]): Promise<{ files: FileResult[]; seconds: number }> {
    const done = await this.#inLanes(checks);
    this.#results.push(...done.files);
    return done;
  }

  async #inLanes(checks: readonly Check[]): Promise<{ files: FileResult[]; seconds: number }> {
    const started = performance.now();
    const watched = checks.map((check) => ({ ...check, run: (signal: AbortSignal) => told(check, signal) }));
    const files = (await inLanes(watched, this.#lanes, this.#stop)).flat();
    return { files, seconds: (performance.now() - started) / 1000 };
  }

  /** Prints the times, what was skipped and what failed; the last line is the tally. */
  end(skipsFail: boolean): ExitName {
    const files = skipsFail ? withoutSkips(this.#results) : this.#results;
    const counts = tally(files);
    const list = (title: string, tests: ReturnType<typeof named>) => {
      if (tests.length === 0) return;
      console.log(`\n${title}`);
      for (const test of tests) console.log(`  ${renderNamed(test)}`);
    };
    console.log(`\nTimes\n${renderTimes(files)}`);
    console.log(`\nSummary: ${prettyMs(performance.now() - this.#started, { secondsDecimalDigits: 0 })}`);
    list("Skipped, and why", named(files, "skipped"));
    list("FAILED", named(files, "failed"));
    console.log(`\n${renderTally(counts)}`);
    return counts.failed > 0 || counts.passed === 0 ? "failed" : "ok";
  }
}

/** Runs the tests of suites, and tells at the end how it went; `stop` ends them. */
export async function runSuites(options: RunOptions, stop: AbortSignal): Promise<ExitName> {
  const { suites, changedSince, record } = options;
  // The tools' own `#!/usr/bin/env node` is to find the Node that runs this, not an older one of the system.
  process.env.PATH = [path.dirname(process.execPath), process.env.PATH].join(path.delimiter);
  const run = new Run(options.lanes, stop);
  const selection =
    changedSince === undefined ? everything(CHECKOUT) : await reachedFrom(CHECKOUT, changedSince);
  if (suites.includes("unit")) {
    await installNeeds(["git", "python"], console.log);
    const unit = await run.lanes(await unitChecks(CHECKOUT, selection, options.coverage));
    if (record) recordTimes("unit", unit.files, unit.seconds);
  }
  const withDocker = suites.filter((suite) => suite !== "unit");
  if (withDocker.length > 0) {
    const env = await machineForTests();
    if (await run.prepare(await imageChecks(CHECKOUT))) {
      const rest = await run.lanes(await dockerChecks(CHECKOUT, withDocker, selection, env));
      if (record) recordTimes(withDocker.join(" and "), rest.files, rest.seconds);
    }
  }
  return run.end(options.skipsFail);
}

/** Has long rounds of kills, faults and scale; `stop` ends them. */
export async function runRounds(
  names: readonly RoundsName[],
  options: RoundsOptions,
  lanes: number,
  stop: AbortSignal,
): Promise<ExitName> {
  const run = new Run(lanes, stop);
  const env = await machineForTests();
  if (await run.prepare(await imageChecks(CHECKOUT)))
    await run.lanes(names.map((name) => roundsCheck(CHECKOUT, name, options, env)));
  return run.end(false);
}

/** Docker and the engine are needed from here on: sets up this machine like `up` does, and what tests want besides. */
async function machineForTests(): Promise<Record<string, string>> {
  await runSetup({ progress: "plain" });
  await installNeeds(Object.keys(NEEDS) as NeedName[], console.log);
  return testEnvironment();
}

async function told(check: Check, signal: AbortSignal): Promise<FileResult[]> {
  const started = performance.now();
  console.log(`${check.name} | begins`);
  const files = await check.run(signal).catch((error: unknown) => [brokenOff(check.name, error)]);
  const took = prettyMs(performance.now() - started, { secondsDecimalDigits: 1 });
  const counts = tally(files);
  console.log(`${check.name} | ${counts.failed === 0 ? "ok" : "FAILED"}: ${renderTally(counts)} (${took})`);
  return files;
}

/** A check that could not be made, for want of a package or the like, has failed; the others go on. */
function brokenOff(name: string, error: unknown): FileResult {
  const text = error instanceof Problem ? error.render() : String(error);
  console.log(`${name} | ${text}`);
  const message = firstLine(error instanceof Error ? error.message : text);
  return { file: name, seconds: 0, tests: [{ name: "", outcome: "failed", seconds: 0, message }] };
}

function recordTimes(suite: string, files: readonly FileResult[], seconds: number): void {
  const document = path.join(CHECKOUT, "docs", "testing.md");
  const when = `${new Date().toISOString().slice(0, 10)}, ${os.availableParallelism()} cores`;
  writeFileAtomic.sync(document, withTimes(readFileSync(document, "utf8"), suite, files, seconds, when));
}
