import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { runChild } from "./child.ts";
import { resultsOfPytest } from "./junit.ts";
import type { Job } from "./lanes.ts";
import { virtualEnvironment } from "./python.ts";
import { type FileResult, judged, toolResult } from "./results.ts";
import { REPORT_VARIABLE } from "./vitest-reporter.ts";

/** One program that `./mem0 test` runs in a lane. */
export type Check = Job<FileResult[]>;

/** What the tests find in their environment: the engine's variables, and the images of this checkout. */
export type TestEnvironment = Record<string, string>;

/** A program that either succeeds or fails. */
export function tool(
  name: string,
  cwd: string,
  command: () => Promise<readonly string[]>,
  env: TestEnvironment = {},
): Check {
  return {
    name,
    run: async (signal) => {
      const [program = "", ...args] = await command();
      const started = performance.now();
      const succeeded = await runChild(program, args, { cwd, env, label: name, signal });
      return [toolResult(name, succeeded, (performance.now() - started) / 1000)];
    },
  };
}

export function biome(checkout: string): Check {
  return tool("biome", checkout, async () => [
    packageProgram(checkout, "biome"),
    "check",
    "--error-on-warnings",
  ]);
}

export function types(checkout: string): Check {
  // What the last run found of files that are as they were holds.
  const incremental = ["--incremental", "--tsBuildInfoFile", ".toolchain/types.tsbuildinfo"];
  return tool("types", checkout, async () => [packageProgram(checkout, "tsc"), "--noEmit", ...incremental]);
}

export function shellcheck(checkout: string): Check {
  return tool("shellcheck", checkout, async () => {
    const bin = await virtualEnvironment(checkout, "test/requirements.lock");
    const { stdout } = await execa("git", ["ls-files", "-z"], { cwd: checkout });
    const scripts = stdout.split("\0").filter((file) => file !== "" && isShell(path.join(checkout, file)));
    return [path.join(bin, "shellcheck"), ...scripts];
  });
}

function isShell(file: string): boolean {
  if (!existsSync(file)) return false;
  return file.endsWith(".sh") || /^#!.*\b(ba|da)?sh\b/.test(readFileSync(file, "utf8").slice(0, 64));
}

interface VitestRun {
  name: string;
  project: "unit" | "engine" | "e2e";
  /** Test files, as the checkout names them. */
  files: readonly string[];
  env?: TestEnvironment;
  options?: readonly string[];
  claims?: readonly string[];
}

export function vitest(
  checkout: string,
  { name, project, files, env = {}, options = [], claims = [] }: VitestRun,
): Check {
  return {
    name,
    claims,
    run: async (signal) => {
      const report = reportFile(checkout, `${name}.json`);
      const args = [
        ...["run", "--project", project, `--reporter=${project === "unit" ? "default" : "verbose"}`],
        `--reporter=${path.join(import.meta.dirname, "vitest-reporter.ts")}`,
        ...options,
        ...files,
      ];
      const succeeded = await runChild(packageProgram(checkout, "vitest"), args, {
        cwd: checkout,
        env: { ...env, [REPORT_VARIABLE]: report },
        label: name,
        signal,
      });
      const results = existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as FileResult[]) : [];
      return judged(name, succeeded, results);
    },
  };
}

/** Lint, format and types of the Python in a folder, one after the other; all settings are in its pyproject.toml. */
export function pythonLint(checkout: string, folder: string, lockFile: string): Check[] {
  const lint = (name: string, args: string[]) =>
    tool([name, ...args, folder].join(" "), path.join(checkout, folder), async () => [
      path.join(await virtualEnvironment(checkout, lockFile), name),
      ...args,
    ]);
  return [lint("ruff", ["check"]), lint("ruff", ["format", "--check"]), lint("mypy", [])];
}

interface PytestRun {
  name: string;
  /** Folder of the service. */
  folder: string;
  args?: readonly string[];
  env?: TestEnvironment;
}

export function pytest(checkout: string, { name, folder, args = [], env = {} }: PytestRun): Check {
  return {
    name,
    run: async (signal) => {
      const bin = await virtualEnvironment(checkout, devLock(folder));
      const report = reportFile(checkout, `${name}.xml`);
      const reporting = [`--junitxml=${report}`, "--override-ini=junit_family=xunit1"];
      const succeeded = await runChild(path.join(bin, "pytest"), [...args, ...reporting], {
        cwd: path.join(checkout, folder),
        env,
        label: name,
        signal,
      });
      const results = existsSync(report) ? resultsOfPytest(readFileSync(report, "utf8"), folder) : [];
      return judged(name, succeeded, results);
    },
  };
}

/** Folders of the services that are written in Python. */
export function pythonServices(checkout: string): string[] {
  return globSync("services/*/pyproject.toml", { cwd: checkout })
    .map((file) => path.dirname(file))
    .sort();
}

export function devLock(service: string): string {
  return `${service}/requirements-dev.lock`;
}

function packageProgram(checkout: string, name: string): string {
  return path.join(checkout, "node_modules", ".bin", name);
}

/** A path for a report; an old one there would be taken for this run's. */
function reportFile(checkout: string, name: string): string {
  const directory = path.join(checkout, ".toolchain", "test-reports");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, name.replaceAll(/[/ ]/g, "-"));
  rmSync(file, { force: true });
  return file;
}
