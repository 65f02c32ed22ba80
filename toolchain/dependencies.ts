// Runs before the packages are there: imports nothing but Node itself.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { Problem } from "../ops/base/problem.ts";
import { toolchainLayout } from "./layout.ts";
import { withLock } from "./lock.ts";

interface LockFile {
  packages: Record<
    string,
    { version?: string; integrity?: string; optional?: boolean; devOptional?: boolean }
  >;
}

/**
 * Whether an installed tree is the one that package-lock.json describes. npm writes its own record of the tree,
 * node_modules/.package-lock.json, as the last act of an installation, so an interrupted one has none.
 *
 * @param wanted package-lock.json
 * @param installed npm's record; optional packages of other platforms are not in it
 */
export function matchesLock(wanted: LockFile, installed: LockFile): boolean {
  return Object.entries(wanted.packages).every(
    ([location, { version, integrity, optional, devOptional }]) => {
      if (location === "") return true;
      const found = installed.packages[location];
      if (found === undefined) return optional === true || devOptional === true;
      return found.version === version && found.integrity === integrity;
    },
  );
}

/** Installs the packages of package-lock.json unless they are there; says so, since it takes a while. */
export async function ensureDependencies(checkout: string): Promise<void> {
  if (areInstalled(checkout)) return;
  const say = (text: string) => process.stderr.write(`mem0: ${text}\n`);
  const { lock } = toolchainLayout(checkout);
  await withLock(
    lock,
    (whom) => say(`another ./mem0 is setting up; waiting for ${whom}`),
    async () => {
      if (areInstalled(checkout)) return;
      say("installing the packages of package-lock.json (npm ci)");
      const started = Date.now();
      install(checkout);
      say(`packages are there after ${Math.round((Date.now() - started) / 1000)} s`);
    },
  );
}

function areInstalled(checkout: string): boolean {
  const record = path.join(checkout, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as LockFile;
  return matchesLock(read(path.join(checkout, "package-lock.json")), read(record));
}

/** Installs beside the checkout's tree and swaps the two: an npm that is killed leaves nothing half done. */
function install(checkout: string): void {
  const { work } = toolchainLayout(checkout);
  mkdirSync(work, { recursive: true });
  const fresh = mkdtempSync(path.join(work, "packages-"));
  try {
    for (const file of ["package.json", "package-lock.json"]) {
      copyFileSync(path.join(checkout, file), path.join(fresh, file));
    }
    npmCi(fresh);
    const tree = path.join(checkout, "node_modules");
    if (existsSync(tree)) renameSync(tree, path.join(fresh, "replaced"));
    renameSync(path.join(fresh, "node_modules"), tree);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function npmCi(directory: string): void {
  const nodeDirectory = path.dirname(process.execPath);
  const { status, error, stderr } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: directory,
    env: { ...process.env, PATH: `${nodeDirectory}${path.delimiter}${process.env.PATH ?? ""}` },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (status === 0) return;
  throw new Problem(
    `the packages could not be installed (npm ci):\n${error?.message ?? lastLines(stderr, 5)}`,
    {
      mend: "see that the npm registry answers (npm ping), then: ./mem0 setup goes on",
      cause: error,
    },
  );
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
