import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { MACHINE_FILE, readMachine } from "../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { FORMER_COMMIT } from "../../runner/needs.ts";
import type { Project } from "./project.ts";

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
  await execa("git", ["archive", "--output", archive, FORMER_COMMIT], { cwd: CHECKOUT });
  await execa("tar", ["--extract", "--file", archive, "--directory", directory]);
  rmSync(archive);
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(directory, "node_modules"));
  const { version, platform, docker, images, baseImage, runAs, tools } = readMachine(CHECKOUT);
  const machine = { version, platform, docker, images, baseImage, runAs, tools, stateHome };
  writeFileSync(path.join(directory, MACHINE_FILE), JSON.stringify(machine));
  return directory;
}
