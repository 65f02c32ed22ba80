import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { type Failure, failuresOfPytest, failuresOfVitest } from "./failures.ts";
import { virtualEnvironment } from "./python.ts";
import { judge, type Tally, tallyOfOne, tallyOfPytest, tallyOfVitest } from "./tally.ts";

/** One thing that `./mem0 test` runs. */
export interface Check {
  name: string;
  run: () => Promise<Outcome>;
}

export interface Outcome {
  tally: Tally;
  /** The tests that failed, where the check has tests with names. */
  failures: readonly Failure[];
}

export type Suite = "unit" | "engine" | "e2e" | "stores";

/** What the tests find in their environment: the engine's variables, and the images of this checkout. */
export type TestEnvironment = Record<string, string>;

/** All checks of a suite, in the order in which a mistake is found soonest. */
export function checksOf(suite: Suite, checkout: string, env: TestEnvironment): Check[] {
  const local = (name: string) => path.join(checkout, "node_modules", ".bin", name);
  const services = globSync("services/*/pyproject.toml", { cwd: checkout }).map((file) => path.dirname(file));
  switch (suite) {
    case "unit":
      return [
        simple("biome", checkout, [local("biome"), "check", "--error-on-warnings"]),
        simple("types", checkout, [local("tsc"), "--noEmit"]),
        { name: "shellcheck", run: () => shellcheck(checkout) },
        vitest("unit", checkout, env, ["--coverage"]),
        ...services.flatMap((service) => [
          ...linted(service, checkout, `${service}/requirements-dev.lock`),
          pytest(service, checkout, [], {}),
        ]),
        ...linted("bench", checkout, "services/server/requirements-dev.lock"),
      ];
    case "engine":
      // The images that the first of these builds are what the services' tests run on.
      return [
        vitest("engine", checkout, env),
        ...services.flatMap((service) =>
          stores(service, checkout, { ...env, ...FEWER_EXAMPLES }, ["-m", "not long"]),
        ),
      ];
    case "e2e":
      return [vitest("e2e", checkout, env)];
    case "stores":
      return services.flatMap((service) => stores(service, checkout, env));
  }
}

function simple(name: string, cwd: string, [command = "", ...args]: string[]): Check {
  return {
    name,
    run: async () =>
      outcomeOfOne(!(await execa(command, args, { cwd, stdio: "inherit", reject: false })).failed),
  };
}

async function shellcheck(checkout: string): Promise<Outcome> {
  const bin = await virtualEnvironment(checkout, "test/requirements.lock");
  const { stdout } = await execa("git", ["ls-files", "-z"], { cwd: checkout });
  const scripts = stdout.split("\0").filter((file) => file !== "" && isShell(path.join(checkout, file)));
  return simple("shellcheck", checkout, [path.join(bin, "shellcheck"), ...scripts]).run();
}

function isShell(file: string): boolean {
  if (!existsSync(file)) return false;
  return file.endsWith(".sh") || /^#!.*\b(ba|da)?sh\b/.test(readFileSync(file, "utf8").slice(0, 64));
}

function vitest(
  project: Exclude<Suite, "stores">,
  checkout: string,
  env: TestEnvironment,
  options: string[] = [],
): Check {
  return {
    name: `vitest ${project}`,
    run: async () => {
      const report = reportFile(checkout, `vitest-${project}.json`);
      const args = [
        "run",
        "--project",
        project,
        `--reporter=${project === "unit" ? "default" : "verbose"}`,
        "--reporter=json",
        `--outputFile=${report}`,
      ];
      const command = path.join(checkout, "node_modules", ".bin", "vitest");
      const { failed } = await execa(command, [...args, ...options], {
        cwd: checkout,
        env,
        stdio: "inherit",
        reject: false,
      });
      return outcomeFrom(report, !failed, tallyOfVitest, failuresOfVitest);
    },
  };
}

/** Lint, format and types of the Python in a folder; all settings are in its pyproject.toml. */
function linted(folder: string, checkout: string, lockFile: string): Check[] {
  const cwd = path.join(checkout, folder);
  const tool = (name: string, args: string[]): Check => ({
    name: [name, ...args, folder].join(" "),
    run: async () => {
      const bin = await virtualEnvironment(checkout, lockFile);
      return simple(name, cwd, [path.join(bin, name), ...args]).run();
    },
  });
  return [tool("ruff", ["check"]), tool("ruff", ["format", "--check"]), tool("mypy", [])];
}

/** Of the API's properties in every run of the tests; `./mem0 test stores` has more, and the rounds of faults. */
const FEWER_EXAMPLES = { MEM0_API_EXAMPLES: "10" };

/** Tests of a service that need real stores. */
function stores(service: string, checkout: string, env: TestEnvironment, options: string[] = []): Check[] {
  const tests = "tests/stores";
  return existsSync(path.join(checkout, service, tests))
    ? [pytest(service, checkout, [tests, ...options], env)]
    : [];
}

function pytest(service: string, checkout: string, args: string[], env: TestEnvironment): Check {
  return {
    name: `pytest ${service} ${args.join(" ")}`.trim(),
    run: async () => {
      const bin = await virtualEnvironment(checkout, `${service}/requirements-dev.lock`);
      const report = reportFile(
        checkout,
        `pytest-${path.basename(service)}-${args.join("-").replaceAll(/[/ ]/g, "-")}.xml`,
      );
      const { failed } = await execa(path.join(bin, "pytest"), [...args, `--junitxml=${report}`], {
        cwd: path.join(checkout, service),
        env,
        stdio: "inherit",
        reject: false,
      });
      return outcomeFrom(report, !failed, tallyOfPytest, failuresOfPytest);
    },
  };
}

/** A path for a report; an old one there would be taken for this run's. */
function reportFile(checkout: string, name: string): string {
  const directory = path.join(checkout, ".toolchain", "test-reports");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, name);
  rmSync(file, { force: true });
  return file;
}

function outcomeOfOne(succeeded: boolean): Outcome {
  return { tally: tallyOfOne(succeeded), failures: [] };
}

function outcomeFrom(
  report: string,
  succeeded: boolean,
  tallyOf: (text: string) => Tally,
  failuresOf: (text: string) => Failure[],
): Outcome {
  if (!existsSync(report)) return outcomeOfOne(false);
  const text = readFileSync(report, "utf8");
  return { tally: judge(succeeded, tallyOf(text)), failures: failuresOf(text) };
}
