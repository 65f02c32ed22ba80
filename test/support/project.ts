import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { MACHINE_FILE, readMachine } from "../../config/machine.ts";
import { homeIdOf } from "../../config/settings.ts";
import type { EngineContext } from "../../ops/deployment.ts";
import { environment } from "../../toolchain/environment.ts";
import { CHECKOUT, toolchainLayout } from "../../toolchain/layout.ts";

/** What a copy needs to be a project of its own; dependencies and tools are shared. */
const COPIED = [
  "Pulumi.yaml",
  "package.json",
  "tsconfig.json",
  "index.ts",
  "config",
  "observability",
  "components",
  "ops",
  "services",
  "docs",
];

/** A copy of the project with its own stacks, state and secrets, so that tests never touch the user's. */
export interface Project {
  directory: string;
  stateHome: string;
  env: Record<string, string>;
  context: (stack: string) => EngineContext;
  /** Writes the stack file of `stack`: groups of settings without the `mem0:` prefix. */
  configure: (stack: string, groups: Record<string, unknown>) => void;
  remove: () => void;
}

export function makeProject(): Project {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-project-"));
  for (const entry of COPIED)
    cpSync(path.join(CHECKOUT, entry), path.join(directory, entry), { recursive: true });
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(directory, "node_modules"));

  const stateHome = path.join(directory, "home");
  const machine = { ...readMachine(CHECKOUT), stateHome };
  mkdirSync(path.join(stateHome, "pulumi"), { recursive: true, mode: 0o700 });
  writeFileSync(path.join(stateHome, "passphrase"), "a passphrase of the tests", { mode: 0o600 });
  mkdirSync(path.join(directory, path.dirname(MACHINE_FILE)));
  writeFileSync(path.join(directory, MACHINE_FILE), JSON.stringify(machine));

  const env = environment(CHECKOUT, machine);
  return {
    directory,
    stateHome,
    env,
    context: (stack) => ({
      checkout: directory,
      stack,
      env,
      tools: toolchainLayout(CHECKOUT).root,
      backend: path.join(stateHome, "pulumi"),
      dockerHost: machine.docker.host,
      homeId: homeIdOf(stateHome),
    }),
    configure: (stack, groups) => {
      const config = Object.fromEntries(Object.entries(groups).map(([key, value]) => [`mem0:${key}`, value]));
      const file = path.join(directory, `Pulumi.${stack}.yaml`);
      writeFileSync(file, stringify({ ...salt(file), config }));
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Pulumi keeps the salt of its encryption in the stack file; without it the stack's secrets are lost. */
function salt(file: string): Record<string, string> {
  try {
    const line = /^encryptionsalt: (.*)$/m.exec(readFileSync(file, "utf8"));
    return line?.[1] === undefined ? {} : { encryptionsalt: line[1] };
  } catch {
    return {};
  }
}
