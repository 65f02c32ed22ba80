import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { Problem } from "../../ops/base/problem.ts";
import { NEEDS } from "./needs.ts";

/** The images run Python 3.13; the tests also run on the oldest that their libraries support. */
const CANDIDATES = ["python3.13", "python3.12", "python3.11", "python3"];
const MINIMUM_MINOR = 11;

/** Those that are there or being made in this run: lanes that want the same one wait for each other. */
const environments = new Map<string, Promise<string>>();

/**
 * A virtual environment with exactly the packages of `lockFile`, made once per content of it.
 *
 * @returns its `bin` directory
 */
export function virtualEnvironment(checkout: string, lockFile: string): Promise<string> {
  const lock = path.join(checkout, lockFile);
  const known = environments.get(lock) ?? makeEnvironment(checkout, lock);
  environments.set(lock, known);
  return known;
}

async function makeEnvironment(checkout: string, lock: string): Promise<string> {
  const python = await findPython();
  const key = createHash("sha256")
    .update(readFileSync(lock))
    .update(python.version)
    .digest("hex")
    .slice(0, 16);
  const directory = path.join(checkout, ".toolchain", "venvs", key);
  const ready = path.join(directory, "ready");
  if (!existsSync(ready)) {
    rmSync(directory, { recursive: true, force: true });
    await execa(python.command, ["-m", "venv", directory], { stdio: "inherit" });
    // The lock is whole: left to resolve, pip takes a newer release of what one package wants with an extra, and refuses it.
    const pip = ["-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", lock];
    await execa(path.join(directory, "bin", "python"), pip, { stdio: "inherit" });
    mkdirSync(`${ready}.tmp`);
    renameSync(`${ready}.tmp`, ready);
  }
  return path.join(directory, "bin");
}

async function findPython(): Promise<{ command: string; version: string }> {
  for (const command of CANDIDATES) {
    const { stdout, failed } = await execa(command, ["--version"], { reject: false });
    const [, minor, patch] = /^Python 3\.(\d+)\.(\S+)/.exec(String(stdout)) ?? [];
    if (!failed && Number(minor) >= MINIMUM_MINOR) return { command, version: `3.${minor}.${patch}` };
  }
  throw new Problem(`the services' tests need Python 3.${MINIMUM_MINOR} or newer with its venv module`, {
    mend: NEEDS.python.mend,
  });
}
