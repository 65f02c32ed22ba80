import { randomBytes } from "node:crypto";
import type {
  CheckResult,
  Created,
  CreateRequest,
  DeleteRequest,
  Difference,
  DiffRequest,
  Found,
  Operation,
  ReadRequest,
  Resource,
  Subject,
  UpdateRequest,
} from "../protocol/resource.ts";
import {
  containsSecret,
  isProperties,
  type Marked,
  type MarkedProperties,
  type Properties,
  reveal,
  Secret,
  secretTexts,
  UNKNOWN,
  type Value,
} from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { CommandFailure, type Output, run } from "./run.ts";
import { COMMAND } from "./schema.ts";

const SHELL = ["/bin/sh", "-c"] as const;

/** A local command whose runs are the life of a resource. */
export class CommandResource implements Resource {
  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(COMMAND, inputs, "command Command");
  }

  diff({ state, inputs }: DiffRequest): Difference {
    return { changes: changesOf(COMMAND, state, inputs), replaceReasons: [], deleteBeforeReplace: false };
  }

  async create(operation: Operation, { inputs, marked }: CreateRequest): Promise<Created> {
    if (operation.preview) return { id: "", outputs: outputsOf(inputs, marked, undefined) };
    const id = `${operation.name}${randomBytes(4).toString("hex")}`;
    const output = await runFor(operation, inputs.create, marked, {});
    return { id, outputs: outputsOf(inputs, marked, output) };
  }

  async update(operation: Operation, { state, inputs, marked }: UpdateRequest): Promise<MarkedProperties> {
    if (operation.preview) return outputsOf(inputs, marked, undefined);
    const command = inputs.update ?? inputs.create;
    const previous = { stdout: String(state.stdout ?? ""), stderr: String(state.stderr ?? "") };
    const output = command === undefined ? previous : await runFor(operation, command, marked, state);
    return outputsOf(inputs, marked, output);
  }

  /** There is nothing to read: what a command did is known to nobody. */
  async read(_: Operation, { id, known }: ReadRequest): Promise<Found | undefined> {
    if (known === undefined) throw new Error(`a command cannot be imported (${id})`);
    return { id, outputs: known.state, inputs: known.inputs };
  }

  async delete(operation: Operation, { state, markedState }: DeleteRequest): Promise<void> {
    await runFor(operation, state.delete, markedState, state);
  }
}

/** What a command printed is secret as soon as any of its inputs is. */
function outputsOf(
  inputs: Properties,
  marked: MarkedProperties,
  output: { stdout: string; stderr: string } | undefined,
): MarkedProperties {
  const secret = Object.values(marked).some(containsSecret);
  const show = (value: Value): Marked => (secret ? new Secret(value) : value);
  return { ...inputs, stdout: show(output?.stdout ?? UNKNOWN), stderr: show(output?.stderr ?? UNKNOWN) };
}

async function runFor(
  operation: Operation,
  command: Value | undefined,
  marked: MarkedProperties,
  previous: Properties,
): Promise<{ stdout: string; stderr: string }> {
  if (typeof command !== "string") return { stdout: "", stderr: "" };
  const inputs = Object.fromEntries(Object.entries(marked).map(([name, value]) => [name, reveal(value)]));
  const mask = masking(marked);
  const logging = inputs.logging ?? "stdoutAndStderr";
  const line = {
    interpreter: interpreterOf(inputs.interpreter),
    command,
    directory: typeof inputs.dir === "string" ? inputs.dir : undefined,
    environment: { ...process.env, ...texts(inputs.environment), ...previousOutput(inputs, previous) },
    stdin: typeof inputs.stdin === "string" && inputs.stdin !== "" ? inputs.stdin : undefined,
  };
  try {
    const output = await run(line, operation.signal, (source, text) => {
      if (logging === source || logging === "stdoutAndStderr") operation.progress.info(mask(text));
    });
    return { stdout: withoutLastNewline(output.stdout), stderr: withoutLastNewline(output.stderr) };
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    throw new Error(mask(failureText(error.message, command, error.output)));
  }
}

function failureText(how: string, command: string, output: Output): string {
  return `${how}: running ${JSON.stringify(command)}:\n${output.both}`;
}

function interpreterOf(value: Value | undefined): readonly [string, ...string[]] {
  const [program, ...args] = Array.isArray(value) ? value.map(String) : [];
  return program === undefined ? SHELL : [program, ...args];
}

function previousOutput(inputs: Properties, previous: Properties): Record<string, string> {
  if (inputs.addPreviousOutputInEnv === false) return {};
  const { stdout, stderr } = previous;
  return {
    ...(typeof stdout === "string" && stdout !== "" ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(typeof stderr === "string" && stderr !== "" ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}

function texts(value: Value | undefined): Record<string, string> {
  if (!isProperties(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text ?? "")]));
}

/** Takes the secrets among the inputs out of a text; a secret of one or two characters would leave nothing readable. */
function masking(marked: MarkedProperties): (text: string) => string {
  const secrets = Object.values(marked)
    .flatMap((value) => secretTexts(value))
    .flatMap((secret) => [secret, ...secret.split("\n"), JSON.stringify(secret).slice(1, -1)])
    .filter((secret) => secret.length > 2)
    .sort((left, right) => right.length - left.length);
  return (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
}

function withoutLastNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
