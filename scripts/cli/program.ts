import { Command, CommanderError } from "commander";
import { ExitCode } from "../../ops/base/problem.ts";
import { OVERRIDING } from "../../toolchain/environment.ts";
import { VERBS } from "./verbs.ts";

const EPILOGUE = `
Exit codes:
  0    done
  1    failed, or what was looked at is not well
  2    wrong usage or settings
  3    this machine is not set up; run: ./mem0 setup
  130  interrupted

Environment:
  MEM0_HOME     where state, secrets and manifests are kept (default: ~/.mem0-host)
  MEM0_DEBUG=1  show where an error comes from`;

/**
 * Runs one verb. Only its own module is loaded; the others stand in the help by name.
 *
 * @throws Problem when the verb fails in a foreseen way
 */
export async function run(args: readonly string[]): Promise<void> {
  for (const name of OVERRIDING) delete process.env[name];
  const asked = args[0] === "help" ? args[1] : args.find((argument) => !argument.startsWith("-"));
  const program = new Command("./mem0")
    .description("A personal AI memory (mem0) on this machine, as code.")
    .usage("<verb> [options]")
    .helpOption("-h, --help", "show this help; ./mem0 <verb> --help: of one verb")
    .showHelpAfterError("(./mem0 --help lists the verbs)")
    .addHelpText("after", EPILOGUE)
    .exitOverride();
  for (const verb of VERBS) {
    if (verb.name === asked) (await verb.load()).register(program);
    else program.command(verb.name).description(verb.summary);
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 || args.length === 0 ? ExitCode.ok : ExitCode.usage;
  }
}
