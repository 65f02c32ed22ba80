import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { homeIdOf } from "../../../config/settings.ts";
import type { PulumiContext } from "../../../ops/stack/deployment.ts";
import { MACHINE_FILE, readMachine } from "../../../ops/stack/machine-file.ts";
import { environment } from "../../../toolchain/environment.ts";
import { CHECKOUT, toolchainLayout } from "../../../toolchain/layout.ts";
import { testPlace } from "./test-place.ts";

/** What a copy needs to be a project of its own; dependencies and tools are shared. */
const COPIED = [
  "Pulumi.yaml",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "index.ts",
  "config",
  "observability",
  "components",
  "ops",
  "services",
  "docs",
  "scripts",
  "toolchain",
];

/** A copy of the project with its own stacks, state and secrets, so that tests never touch the user's. */
export interface Project {
  directory: string;
  stateHome: string;
  env: Record<string, string>;
  context: (stack: string) => PulumiContext;
  /** Writes the stack file of `stack`: groups of settings without the `mem0:` prefix; its secrets stay. */
  configure: (stack: string, groups: Record<string, unknown>) => void;
  /** As a person gives a secret to a stack that is there: `pulumi config set --secret`, from standard input. */
  giveSecret: (stack: string, key: string, value: string) => Promise<void>;
  remove: () => void;
}

/** @param name of the tests that have it, which no others have */
export function makeProject(name: string): Project {
  const { directory, stateHome, remove } = testPlace(name);
  for (const entry of COPIED)
    cpSync(path.join(CHECKOUT, entry), path.join(directory, entry), { recursive: true });
  symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(directory, "node_modules"));

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
      const { salt, secrets } = kept(file);
      writeFileSync(file, stringify({ ...salt, config: { ...config, ...secrets } }));
    },
    giveSecret: async (stack, key, value) => {
      const set = ["config", "set", "--secret", `mem0:${key}`, "--stack", stack];
      await execa("pulumi", set, { cwd: directory, env, input: value });
    },
    remove,
  };
}

/** Pulumi keeps secrets and the salt of their encryption in the stack file; without the salt they are lost. */
function kept(file: string): { salt: Record<string, unknown>; secrets: Record<string, unknown> } {
  const stackFile = z.looseObject({
    encryptionsalt: z.string().optional(),
    config: z.record(z.string(), z.unknown()).default({}),
  });
  if (!existsSync(file)) return { salt: {}, secrets: {} };
  const { encryptionsalt, config } = stackFile.parse(parse(readFileSync(file, "utf8")));
  const isSecret = ([, value]: [string, unknown]) =>
    typeof value === "object" && value !== null && "secure" in value;
  return {
    salt: encryptionsalt === undefined ? {} : { encryptionsalt },
    secrets: Object.fromEntries(Object.entries(config).filter(isSecret)),
  };
}
