import { existsSync } from "node:fs";
import path from "node:path";
import type { Part } from "./affected.ts";
import type { Selection } from "./change.ts";
import {
  biome,
  type Check,
  devLock,
  pytest,
  pythonLint,
  pythonServices,
  shellcheck,
  type TestEnvironment,
  types,
  vitest,
} from "./checks.ts";

export const SUITES = ["unit", "engine", "e2e", "stores"] as const;
export type Suite = (typeof SUITES)[number];

/** What `./mem0 test` alone runs; `stores` is whole what `engine` runs a part of. */
export const DEFAULT_SUITES: readonly Suite[] = ["unit", "engine", "e2e"];

/**
 * What takes longest begins first, so that no lane is left alone with one at the end. The table in docs/testing.md tells
 * the times.
 */
export const LONGEST_FIRST = [
  "test/e2e/memory.test.ts",
  "test/engine/ops/backup/restore-from-elsewhere.test.ts",
  "test/engine/ops/backup/restore.test.ts",
  "services/server/tests/stores",
  "test/engine/components/stack.test.ts",
  "test/engine/ops/backup/hourly-files.test.ts",
  "test/engine/observability/observability.test.ts",
  "test/engine/ops/backup/backup.test.ts",
  "test/engine/components/neighbours.test.ts",
];

/** Of the API's properties in every run of the tests; `./mem0 test stores` has more, and the rounds of faults. */
const FEWER_EXAMPLES = { MEM0_API_EXAMPLES: "10" };

/** What needs no Docker. */
export async function unitChecks(
  checkout: string,
  selection: Selection,
  coverage: boolean,
): Promise<Check[]> {
  const files = await selection.files("unit");
  const options = coverage ? ["--coverage"] : [];
  const services = pythonServices(checkout).filter((folder) => selection.runs(partOfService(folder)));
  return [
    ...(files.length === 0
      ? []
      : [vitest(checkout, { name: "vitest unit", project: "unit", files, options })]),
    types(checkout),
    ...services.flatMap((folder) => [
      pytest(checkout, { name: `pytest ${folder}`, folder }),
      ...pythonLint(checkout, folder, devLock(folder)),
    ]),
    ...(selection.runs("python bench") ? pythonLint(checkout, "bench", devLock("services/server")) : []),
    biome(checkout),
    shellcheck(checkout),
  ];
}

/** What runs on real Docker: a process for each file, since their stacks, ports and containers are their own. */
export async function dockerChecks(
  checkout: string,
  suites: readonly Suite[],
  selection: Selection,
  env: TestEnvironment,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const project of ["engine", "e2e"] as const) {
    if (!suites.includes(project)) continue;
    for (const file of await selection.files(project))
      checks.push(vitest(checkout, { name: shortName(file), project, files: [file], env }));
  }
  if (selection.runs("stores")) {
    if (suites.includes("stores")) checks.push(...stores(checkout, env, []));
    else if (suites.includes("engine"))
      checks.push(...stores(checkout, { ...env, ...FEWER_EXAMPLES }, ["-m", "not long"]));
  }
  const rank = new Map(LONGEST_FIRST.map((file, index) => [shortName(file), index]));
  const rankOf = ({ name }: Check) => rank.get(name) ?? rank.size;
  return checks.toSorted((one, other) => rankOf(one) - rankOf(other));
}

/** Tests of the services that need real stores. */
function stores(checkout: string, env: TestEnvironment, options: readonly string[]): Check[] {
  const tests = "tests/stores";
  return pythonServices(checkout)
    .filter((folder) => existsSync(path.join(checkout, folder, tests)))
    .map((folder) => {
      const name = shortName(path.join(folder, tests));
      return pytest(checkout, { name, folder, args: [tests, ...options], env });
    });
}

function partOfService(folder: string): Part {
  return path.basename(folder) === "model" ? "python model" : "python server";
}

/** The name of a test file, or of a service's tests on real stores, in the lanes' output. */
function shortName(place: string): string {
  return place
    .replace(/^test\/(engine\/)?/, "")
    .replace(/\.test\.ts$/, "")
    .replace(/^(.*)\/tests\/stores$/, "stores $1");
}
