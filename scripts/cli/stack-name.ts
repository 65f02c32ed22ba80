import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { STACK_NAME } from "../../config/names.ts";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { CHECKOUT, stateHome } from "../../toolchain/layout.ts";
import { nearest } from "./suggest.ts";

export const DEFAULT_STACK = "test";

/** Where stacks are looked for. */
export interface StackPlaces {
  checkout: string;
  stateHome: string;
}

const HERE = (): StackPlaces => ({ checkout: CHECKOUT, stateHome: stateHome() });

/** A stack as a person named it, or did not. */
export interface NamedStack {
  positional: string | undefined;
  option: string | undefined;
  /** E.g. `status`; a mend says it again with the right stack. */
  verb: string;
  /** What may stand in the stack's place. */
  subverbs: readonly string[];
}

/**
 * The one stack that is meant.
 *
 * @throws Problem when two are named, or when there is none of that name, neither here nor on this host
 */
export function chosenStack(
  { positional, option, verb, subverbs }: NamedStack,
  places: StackPlaces = HERE(),
): string {
  if (positional !== undefined && option !== undefined && positional !== option) {
    throw new Problem(`two stacks are named: ${positional} and ${option}`, {
      mend: `./mem0 ${verb} ${positional}, or: ./mem0 ${verb} ${option}`,
      exitCode: ExitCode.usage,
    });
  }
  const stack = positional ?? option ?? DEFAULT_STACK;
  const stacks = knownStacks(places);
  if (stacks.includes(stack)) return stack;
  const meant = nearest(stack, [...stacks, ...subverbs]);
  const named = (name: string) =>
    positional === undefined && !subverbs.includes(name)
      ? `./mem0 ${verb} --stack ${name}`
      : `./mem0 ${verb} ${name}`;
  throw new Problem(
    `there is no stack ${stack}${subverbs.length === 0 ? "" : `, nor a subcommand: ${subverbs.join(", ")}`}`,
    {
      mend:
        meant !== undefined
          ? `did you mean ${named(meant)}? stacks: ${stacks.join(", ")}`
          : `one of these stacks: ${stacks.join(", ")}; a new one begins with its file, Pulumi.NAME.yaml`,
      exitCode: ExitCode.usage,
    },
  );
}

/** Stacks that have a file in the checkout, or were deployed on this host. */
export function knownStacks({ checkout, stateHome: home }: StackPlaces): string[] {
  const deployed = path.join(home, "stacks");
  const names = [
    ...readdirSync(checkout).map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? ""),
    ...(existsSync(deployed) ? readdirSync(deployed) : []),
  ];
  return [...new Set(names)].filter((name) => STACK_NAME.test(name)).sort();
}
