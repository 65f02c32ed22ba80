import { ExitCode } from "./exit-codes.ts";

/** An error meant for a person: what is wrong, where, and the command or edit that mends it. */
export class Problem extends Error {
  readonly where: string | undefined;
  readonly mend: string | undefined;
  readonly exitCode: number;

  constructor(
    what: string,
    options: { where?: string; mend?: string; exitCode?: number; cause?: unknown } = {},
  ) {
    super(what, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Problem";
    this.where = options.where;
    this.mend = options.mend;
    this.exitCode = options.exitCode ?? ExitCode.failed;
  }

  /** The text shown to the person: one line each for what, where and how to mend it. */
  render(): string {
    const lines = [this.message];
    if (this.where !== undefined) lines.push(`  where: ${this.where}`);
    if (this.mend !== undefined) lines.push(`  mend:  ${this.mend}`);
    return lines.join("\n");
  }
}

export { ExitCode };
