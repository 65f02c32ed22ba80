import type { Command } from "commander";
import { withBackupLock } from "../../ops/backup/lock.ts";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { shellWord } from "../../ops/base/words.ts";
import { type EngineLoss, withLastingDocker } from "../../ops/docker/engine-watch.ts";
import type { DeployedStack } from "../../ops/stack/deployed-stack.ts";
import type { Report } from "../../ops/stack/pulumi-events.ts";
import { ask } from "./ask.ts";
import { deployedStack, isRootUsed } from "./context.ts";
import type { Interruption } from "./interruption.ts";
import { type LoggedRun, runLogged, type Telling } from "./logged-step.ts";
import { print, printJson, tell } from "./output.ts";
import { runStep } from "./progress.ts";
import { chosenStack } from "./stack-name.ts";
import type { Outcome } from "./verb.ts";
import { oneText, pathOf } from "./words-given.ts";

/** What stands around every call of a verb. */
export interface Surroundings {
  interruption: Interruption;
  /** The words behind `./mem0`, as they were given. */
  words: readonly string[];
}

/** A run on a deployed stack, whose progress is shown and logged. */
export interface Run extends Pick<LoggedRun, "title" | "name"> {
  /** Nobody else works on the stack's backups meanwhile. */
  locked?: boolean;
}

/** A run on the stack's Docker engine, which may go away under it. */
export interface EngineRun<T> extends Run {
  /** What a person reads when the engine goes away, or the run is interrupted. */
  loss: () => EngineLoss;
  /** Whether a result tells of a failure too. */
  failed?: (result: T) => boolean;
}

interface Given<Options> {
  surroundings: Surroundings;
  command: Command;
  args: string[];
  options: Options;
  /** The first argument is the stack. */
  takesStack: boolean;
}

/** One call of a verb: what was given, and what verbs do with it alike. */
export class Call<Options extends object> {
  readonly options: Options;
  /** Arguments but the stack. */
  readonly args: readonly string[];
  readonly json: boolean;
  readonly interruption: Interruption;
  readonly #given: Given<Options & Shared>;
  #stack: string | undefined;
  #deployed: DeployedStack | undefined;

  constructor(given: Given<Options & Shared>) {
    this.#given = given;
    this.options = given.options;
    this.args = given.takesStack ? given.args.slice(1) : given.args;
    this.json = given.options.json === true;
    this.interruption = given.surroundings.interruption;
  }

  /** The stack that is meant; there is one of that name. */
  get stack(): string {
    const { command, options, takesStack, args } = this.#given;
    this.#stack ??= chosenStack({
      positional: takesStack ? args[0] : undefined,
      option: options.stack,
      verb: pathOf(command),
      subverbs: command.commands.map((sub) => sub.name()),
    });
    return this.#stack;
  }

  /** The text of a verb that takes one. */
  get text(): string {
    return oneText(this.args, pathOf(this.#given.command));
  }

  /** The same command line again, with more words. */
  again(...more: string[]): string {
    return ["./mem0", ...this.#given.surroundings.words.map(shellWord), ...more].join(" ");
  }

  /** The stack as it was deployed. */
  deployed(): DeployedStack {
    this.#deployed ??= deployedStack(this.stack);
    return this.#deployed;
  }

  /** The deployed stack, whose backups are looked at; `used` tells whether anything was ever put into their root. */
  backups(): { stack: DeployedStack; used: boolean } {
    const stack = this.deployed();
    return { stack, used: isRootUsed(stack) };
  }

  /** Whether it asks before it changes the stack: PRD only, others are there to be tried on. */
  get asks(): boolean {
    return this.stack === "prd" && this.#given.options.yes !== true;
  }

  /** Asks before PRD is changed. */
  async consent(question: string): Promise<void> {
    if (!this.asks) return;
    const answer = await ask(`${question} Go on? [y/N] `, this.again("--yes"));
    if (!/^y(es)?$/i.test(answer)) throw new Problem("nothing was changed");
  }

  /** Runs work that may be ended at any moment only in order, with its progress shown. */
  step<T>(title: string, work: (report: Report) => Promise<T>): Promise<T> {
    return this.interruption.inOrder(() => runStep(title, work));
  }

  /** Runs work with its progress shown and logged. */
  run<T>({ title, name, locked = false }: Run, work: (telling: Telling) => Promise<T>): Promise<T> {
    const { directory } = this.deployed();
    return this.interruption.inOrder(() =>
      runLogged({ title, name, stateDir: directory, json: this.json }, (telling) => {
        const begin = () => work(telling);
        return locked ? withBackupLock(directory, begin) : begin();
      }),
    );
  }

  /**
   * Runs work on the stack's Docker engine, with its progress shown and logged. A signal ends it at the next bytes that it
   * reads of a backup.
   */
  async runOnEngine<T>(
    { loss, failed, ...run }: EngineRun<T>,
    work: (telling: Telling) => Promise<T>,
  ): Promise<T> {
    const interrupted = (cause?: unknown) => {
      const { outcome, mend } = loss();
      return new Problem(`interrupted: ${outcome}`, { mend, exitCode: ExitCode.interrupted, cause });
    };
    const result = await this.run(run, (telling) => {
      const onBytes: Telling["onBytes"] = (file, bytes) => {
        this.interruption.checkpoint();
        telling.onBytes(file, bytes);
      };
      return withLastingDocker(this.deployed().dockerHost, () => work({ ...telling, onBytes }), loss, failed);
    }).catch((cause: unknown) => {
      throw this.interruption.happened ? interrupted(cause) : cause;
    });
    if (this.interruption.happened && failed?.(result) === true) throw interrupted();
    return result;
  }

  /** Tells, beside the report, that there is a wait for the server, and why. */
  readonly waiting = (reason: string): void => tell(`waiting: ${reason}`);

  /** Ends what was opened on the way. */
  async close(): Promise<void> {
    await this.#deployed?.close();
  }

  /** Prints what came of it, and sets the exit code. */
  end(outcome: Outcome | undefined): void {
    if (this.json && outcome?.json !== undefined) printJson(outcome.json);
    else if (outcome?.text !== undefined) print(outcome.text);
    process.exitCode = this.interruption.happened ? ExitCode.interrupted : ExitCode[outcome?.exit ?? "ok"];
  }
}

/** Options that the base itself adds. */
interface Shared {
  stack?: string;
  json?: boolean;
  yes?: boolean;
}
