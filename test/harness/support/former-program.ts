import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa, execaSync } from "execa";
import { MACHINE_FILE, readMachine } from "../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import type { Project } from "./project.ts";

/** The last version before the parts of the house were sorted by subject; people have stacks of it. */
const COMMIT = "9e8ffbbcecfac1c2b89c2e1214ecde602f50e630";

/** It is in the history, which a shallow clone or an archive of the files does not have. */
export const hasFormerProgram =
  execaSync("git", ["cat-file", "-e", `${COMMIT}^{commit}`], { cwd: CHECKOUT, reject: false }).exitCode === 0;

/**
 * The program as the version before had it, on the stacks and secrets of a project of the tests. Packages are this
 * checkout's, which are those of then and newer.
 *
 * @returns its directory
 */
export async function formerProgram({ directory: parent, stateHome }: Project): Promise<string> {
  const directory = path.join(parent, "former");
  const archive = path.join(parent, "former.tar");
  mkdirSync(path.join(directory, path.dirname(MACHINE_FILE)), { recursive: true });
  await execa("git", ["archive", "--output", archive, COMMIT], { cwd: CHECKOUT });
  await execa("tar", ["--extract", "--file", archive, "--directory", directory]);
  rmSync(archive);
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(directory, "node_modules"));
  const { version, platform, docker, images, baseImage, runAs, tools } = readMachine(CHECKOUT);
  const machine = { version, platform, docker, images, baseImage, runAs, tools, stateHome };
  writeFileSync(path.join(directory, MACHINE_FILE), JSON.stringify(machine));
  return directory;
}
