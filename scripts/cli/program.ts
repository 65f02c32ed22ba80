import { Command, CommanderError } from "commander";
import { EXIT_MEANINGS, exitLines } from "../../ops/base/exit-codes.ts";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { shellWord } from "../../ops/base/words.ts";
import { OVERRIDING } from "../../toolchain/environment.ts";
import type { Surroundings } from "./call.ts";
import { Interruption } from "./interruption.ts";
import { print } from "./output.ts";
import { nearest } from "./suggest.ts";
import { VERBS } from "./verbs.ts";
import { version } from "./version.ts";
import { given, pathOf, withoutFalseOptions } from "./words-given.ts";

const EPILOGUE = `
Every verb that works on a stack takes its name, or --stack; without one it is test.

Exit codes:
${exitLines(EXIT_MEANINGS).join("\n")}

Environment:
  MEM0_HOME     where state, secrets and manifests are kept (default: ~/.mem0-host)
  MEM0_DEBUG=1  show where an error comes from`;

/**
 * Runs one verb. Only its own module is loaded; the others stand in the help by name.
 *
 * @param args the words behind `./mem0`
 * @throws Problem when the verb fails in a foreseen way, and when no verb can be made of the words
 */
export async function run(args: readonly string[]): Promise<void> {
  for (const name of OVERRIDING) delete process.env[name];
  const words = args[0] === "help" ? [...args.slice(1).filter((word) => word !== "help"), "--help"] : args;
  const program = emptyProgram();
  const interruption = new Interruption();
  const asked = words[0];
  if (asked === undefined) return program.outputHelp();
  if (["-V", "--version"].includes(asked)) return print(version());
  if (!asked.startsWith("-")) {
    await attachVerb(program, asked, { interruption, words });
  } else if (!["-h", "--help"].includes(asked)) {
    throw new Problem(`a verb comes first, before ${asked}`, {
      mend: "./mem0 --help lists the verbs",
      exitCode: ExitCode.usage,
    });
  }
  try {
    await interruption.during(() => program.parseAsync(withoutFalseOptions(words), { from: "user" }));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageProblem(program, error, words);
  }
}

/** The program with all verbs by name, and none of their options. */
function emptyProgram(): Command {
  const program = new Command("./mem0")
    .description("A personal AI memory (mem0) on this machine, as code.")
    .usage("<verb> [options]")
    .helpOption("-h, --help", "show this help; ./mem0 <verb> --help: of one verb")
    .helpCommand("help [verb]", "the same as ./mem0 <verb> --help")
    .option("-V, --version", "show the version")
    .addHelpText("after", EPILOGUE)
    // What is wrong is told once, as every other problem is.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  for (const { name, summary } of VERBS) program.command(name).description(summary);
  return program;
}

async function attachVerb(program: Command, asked: string, surroundings: Surroundings): Promise<void> {
  const verb = VERBS.find(({ name }) => name === asked);
  const command = program.commands.find((one) => one.name() === asked);
  if (verb === undefined || command === undefined) {
    const names = VERBS.map(({ name }) => name);
    const meant = nearest(asked, names);
    throw new Problem(`there is no verb ${asked}`, {
      mend:
        meant === undefined
          ? "./mem0 --help lists the verbs"
          : `did you mean ./mem0 ${meant}? ./mem0 --help lists the verbs`,
      exitCode: ExitCode.usage,
    });
  }
  const { verb: defined } = await verb.load();
  command.helpOption("-h, --help", "show this help").helpCommand(false);
  defined.attach(command, surroundings);
}

/** What commander says, as a problem like any other, with the help or the hint that fits. */
function usageProblem(program: Command, error: CommanderError, words: readonly string[]): Problem {
  const command = calledCommand(program, words);
  const verb = pathOf(command);
  const subverbs = command.commands.map((sub) => sub.name());
  const misspelt = subverbs.length === 0 ? undefined : nearest(words[1] ?? "", subverbs);
  const message = given(error.message).replace(/^error: /, "");
  // Nobody who misspelt an option meant it for a text.
  const taken = message.includes("Did you mean") ? undefined : /^unknown option '(.+)'/.exec(message)?.[1];
  const takesText = command.registeredArguments.some(({ required, variadic }) => required && variadic);
  const hints = [
    ...(misspelt === undefined
      ? []
      : [`./mem0 ${[verb, misspelt, ...words.slice(2).map(shellWord)].join(" ")}, if you meant that`]),
    ...(takesText && taken !== undefined
      ? [`a text that begins with - comes behind --: ./mem0 ${verb} -- ${shellWord(taken)}`]
      : []),
    `./mem0 ${verb} --help`,
  ];
  return new Problem(message, {
    mend: hints.join("; "),
    exitCode: ExitCode.usage,
    cause: error,
  });
}

function calledCommand(program: Command, words: readonly string[]): Command {
  const verb = program.commands.find((command) => command.name() === words[0]) ?? program;
  return verb.commands.find((command) => command.name() === words[1]) ?? verb;
}
