import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa, type Options } from "execa";
import { stringify } from "yaml";
import { CHECKOUT } from "../../../toolchain/layout.ts";
import { linkPulumi } from "./link-pulumi.ts";
import { testPlace } from "./test-place.ts";

/** What a new user has: the files of the project, nothing installed but the Pulumi CLI, a home of its own. */
export interface Clone {
  directory: string;
  stateHome: string;
  /** Runs `./mem0` and returns exit code and output; never throws for a failed verb. */
  mem0: (...args: string[]) => Promise<{ exitCode: number; stdout: string; stderr: string }>;
  remove: () => void;
}

/** Copies every file that git tracks or would track, and adds a stack file for `stack`. */
export async function cloneWithStack(stack: string, groups: Record<string, unknown>): Promise<Clone> {
  const { directory, stateHome, remove } = testPlace(stack);
  const { stdout } = await execa("git", ["ls-files", "-z", "-co", "--exclude-standard"], { cwd: CHECKOUT });
  for (const file of stdout.split("\0").filter(Boolean)) {
    cpSync(path.join(CHECKOUT, file), path.join(directory, file), { recursive: true });
  }
  linkPulumi(directory);
  const config = Object.fromEntries(Object.entries(groups).map(([key, value]) => [`mem0:${key}`, value]));
  writeFileSync(path.join(directory, `Pulumi.${stack}.yaml`), stringify({ config }));

  const options = { cwd: directory, env: { MEM0_HOME: stateHome }, reject: false } satisfies Options;
  return {
    directory,
    stateHome,
    mem0: async (...args) => {
      const { exitCode, stdout: out, stderr } = await execa(path.join(directory, "mem0"), args, options);
      return { exitCode: exitCode ?? -1, stdout: out, stderr };
    },
    remove,
  };
}
