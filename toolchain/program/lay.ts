// What `pulumi up` and `destroy` run for a stack's copy of the program: lay.ts [remove], from the checkout.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Problem } from "../../ops/base/problem.ts";
import { DEPLOY_ONLY, packageClosure, programFiles, programLink } from "../../ops/schedules/program.ts";
import { layNode } from "./node-copy.ts";

/** What is read of package.json and package-lock.json. */
interface Packages {
  dependencies: Record<string, string>;
}
interface Lock {
  packages: Record<string, { dependencies?: Record<string, string>; optional?: boolean }>;
}

try {
  const directory = required("DIRECTORY");
  if (process.argv[2] === "remove")
    rmSync(path.dirname(programLink(directory)), { recursive: true, force: true });
  else {
    layNode(process.cwd(), required("NODE_COPY"));
    layProgram(process.cwd(), directory, required("HASH"));
  }
} catch (error) {
  process.stderr.write(`${error instanceof Problem ? error.render() : String(error)}\n`);
  process.exitCode = 1;
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** Lays a copy beside those that are there, and then points to it: a job that is at work keeps the one that it began with. */
function layProgram(checkout: string, stateDir: string, hash: string): void {
  const link = programLink(stateDir);
  const programs = path.dirname(link);
  const copy = path.join(programs, hash);
  const before = existsSync(link) ? readlinkSync(link) : undefined;
  mkdirSync(programs, { recursive: true, mode: 0o700 });
  if (!existsSync(copy)) {
    const draft = `${copy}.draft`;
    rmSync(draft, { recursive: true, force: true });
    copyInto(checkout, draft);
    renameSync(draft, copy);
  }
  const fresh = `${link}.new`;
  rmSync(fresh, { force: true });
  symlinkSync(hash, fresh);
  renameSync(fresh, link);
  const kept = [path.basename(link), hash, before];
  for (const name of readdirSync(programs).filter((other) => !kept.includes(other))) {
    rmSync(path.join(programs, name), { recursive: true, force: true });
  }
}

function copyInto(checkout: string, draft: string): void {
  const copied = (file: string) => {
    const target = path.join(draft, file);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    copyFileSync(path.join(checkout, file), target);
    chmodSync(target, 0o600);
  };
  for (const file of programFiles(checkout)) copied(file);
  const read = (file: string) => JSON.parse(readFileSync(path.join(checkout, file), "utf8")) as unknown;
  const manifest = read("package.json") as Packages;
  const lock = read("package-lock.json") as Lock;
  const dependencies = Object.entries(manifest.dependencies).filter(([name]) => !DEPLOY_ONLY.includes(name));
  const keys = packageClosure(
    lock.packages,
    dependencies.map(([name]) => name),
  ).filter(
    // Those of other platforms are not there.
    (key) => lock.packages[key]?.optional !== true || existsSync(path.join(checkout, key)),
  );
  for (const key of keys) {
    const nested = path.join(checkout, key, "node_modules");
    cpSync(path.join(checkout, key), path.join(draft, key), {
      recursive: true,
      dereference: true,
      // What lies below is a package of its own.
      filter: (file) => file !== nested,
    });
  }
  // ./mem0 compares the two, and finds that nothing is to be installed.
  const packages = Object.fromEntries(keys.map((key) => [key, lock.packages[key]]));
  const write = (file: string, value: object) =>
    writeFileSync(path.join(draft, file), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  write("package.json", { ...manifest, dependencies: Object.fromEntries(dependencies), devDependencies: {} });
  write("package-lock.json", { packages });
  write(path.join("node_modules", ".package-lock.json"), { packages });
}
