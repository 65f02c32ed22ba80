import type { Command } from "commander";
import { type ExitName, exitLines } from "../../ops/base/exit-codes.ts";
import { Call, type Surroundings } from "./call.ts";
import { DEFAULT_STACK } from "./stack-name.ts";
import { given, refuseEmpty } from "./words-given.ts";

/** What a verb found or did. The base prints it and ends with its exit code. */
export interface Outcome {
  /** For people. */
  text?: string;
  /** What `--json` prints instead. */
  json?: unknown;
  /** `ok` when left out. */
  exit?: ExitName;
}

/** A verb as its file states it; what all verbs share is added by `defineVerb`. */
export interface Verb<Options extends object> {
  /** Declares the verb's own arguments and options. */
  declare?: (command: Command) => Command;
  /** false: it works on this machine, and on no stack. */
  stack?: false;
  /** Name and meaning of a text in plain words, the verb's only argument: it may stand without quotes. */
  text?: readonly [name: string, meaning: string];
  /** What `--json` prints, for the help; without it there is no such option. */
  json?: string;
  /** What it asks before, for the help of `--yes`; without it there is no such option. */
  asks?: string;
  /** Exit codes that are this verb's own, or mean something particular here. */
  exits?: Partial<Record<ExitName, string>>;
  /** What else a person should know, behind the options in the help. */
  notes?: string;
  /** Without the `./mem0` in front. */
  examples?: readonly string[];
  subverbs?: readonly Subverb[];
  run: (call: Call<Options>) => Promise<Outcome | undefined> | Outcome | undefined;
}

export interface Subverb {
  name: string;
  summary: string;
  verb: DefinedVerb;
}

/** A verb with all that verbs share, ready to be put under its name. */
export interface DefinedVerb {
  attach: (command: Command, surroundings: Surroundings) => void;
}

/**
 * Gives a verb what all verbs share. Under its options: `[stack]` where it has no argument of its own, `--stack`,
 * `--yes`, `--json`, and a help that tells exit codes and examples. Around its run: the stack is found, empty words are
 * refused, the outcome is printed.
 */
export function defineVerb<Options extends object = object>(verb: Verb<Options>): DefinedVerb {
  return { attach: (command, surroundings) => attach(command, verb, surroundings) };
}

function attach<Options extends object>(
  command: Command,
  verb: Verb<Options>,
  surroundings: Surroundings,
): void {
  verb.declare?.(command);
  if (verb.text !== undefined) command.argument(`<${verb.text[0]}...>`, verb.text[1]);
  const takesStack = verb.stack !== false && command.registeredArguments.length === 0;
  if (takesStack) command.argument("[stack]", `stack (default: ${DEFAULT_STACK})`);
  if (verb.stack !== false) command.option("-s, --stack <stack>", `stack (default: ${DEFAULT_STACK})`);
  if (verb.asks !== undefined) command.option("-y, --yes", `do not ask ${verb.asks}`);
  if (verb.json !== undefined) command.option("--json", `print ${verb.json} as JSON`);
  command.addHelpText("after", () => helpEnd(verb));
  command.action(async () => {
    const words = command.processedArgs.flat().filter((word): word is string => word !== undefined);
    const options = command.optsWithGlobals() as Record<string, unknown>;
    refuseEmpty(command, words, options);
    const call = new Call<Options>({
      surroundings,
      command,
      args: words.map(given),
      options: mapped(options, (value) => (typeof value === "string" ? given(value) : value)) as Options,
      takesStack,
    });
    try {
      call.end(await verb.run(call));
    } finally {
      await call.close();
    }
  });
  for (const { name, summary, verb: sub } of verb.subverbs ?? []) {
    sub.attach(command.command(name).description(summary), surroundings);
  }
}

function mapped(values: Record<string, unknown>, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

function helpEnd<Options extends object>({ notes, exits = {}, examples = [] }: Verb<Options>): string {
  return [
    ...(notes === undefined ? [] : ["", notes]),
    "",
    "Exit codes:",
    ...exitLines(exits),
    ...(examples.length === 0 ? [] : ["", examples.length === 1 ? "Example:" : "Examples:"]),
    ...examples.map((example) => `  ./mem0 ${example}`),
  ].join("\n");
}
