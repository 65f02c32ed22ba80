import path from "node:path";
import { type Check, pytest, type TestEnvironment, tool } from "./checks.ts";

/** Long rounds of what the suites do in short, by what a person calls them. */
export const ROUNDS = [
  "backup-kills",
  "restore-kills",
  "backup-fuzz",
  "faults",
  "scale",
  "arm64",
  "bot-kills",
  "engine-kills",
] as const;
export type RoundsName = (typeof ROUNDS)[number];

/** Restarting the Docker engine hits whatever else runs on this machine: only when it was named. */
export const HARMLESS_ROUNDS = ROUNDS.filter((name) => name !== "engine-kills");

export interface RoundsOptions {
  rounds?: string | undefined;
  seed?: string | undefined;
  /** A deployed stack, whose data the kills change; without it they deploy one of their own and remove it. */
  stack?: string | undefined;
  /** restore-kills: the one store that is restored. */
  only?: string | undefined;
}

export function roundsCheck(
  checkout: string,
  name: RoundsName,
  options: RoundsOptions,
  env: TestEnvironment,
): Check {
  const { rounds, seed } = options;
  const label = `rounds ${name}`;
  switch (name) {
    case "faults": {
      const given = Object.entries({ MEM0_FAULT_ROUNDS: rounds ?? "50", MEM0_FAULT_SEED: seed });
      return stores(checkout, label, "test_faults.py", { ...env, ...defined(given) });
    }
    case "scale":
      return stores(checkout, label, "test_scale.py", env);
    case "arm64":
      return roundsProgram(checkout, name, [], env);
    case "backup-fuzz":
    case "bot-kills": {
      const given = defined(Object.entries({ rounds, seed }));
      return roundsProgram(checkout, name, argumentsOf(given), env);
    }
    default: {
      const only = name === "restore-kills" ? options.only : undefined;
      const given = defined(Object.entries({ rounds, seed, stack: options.stack, only }));
      return {
        ...roundsProgram(checkout, name, argumentsOf(given), env),
        claims: ["the stack of the kills"],
      };
    }
  }
}

function roundsProgram(checkout: string, name: RoundsName, args: string[], env: TestEnvironment): Check {
  const program = path.join(checkout, "test", "harness", "rounds", `${name}.ts`);
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
  return tool(`rounds ${name}`, checkout, async () => [...node, program, ...args], env);
}

function stores(checkout: string, name: string, file: string, env: TestEnvironment): Check {
  return pytest(checkout, { name, folder: "services/server", args: [`tests/stores/${file}`], env });
}

function argumentsOf(given: Record<string, string>): string[] {
  return Object.entries(given).flatMap(([key, value]) => [`--${key}`, value]);
}

function defined(entries: [string, string | undefined][]): Record<string, string> {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
