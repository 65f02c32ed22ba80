import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseStackText, type StackText, stackTextMistakes } from "../../config/stack-file.ts";
import { ExitCode, Problem } from "../base/problem.ts";
import { counted } from "../base/words.ts";

/** The file of a stack's settings in a checkout. */
export function stackFile(checkout: string, stack: string): string {
  return path.join(checkout, `Pulumi.${stack}.yaml`);
}

/**
 * Reads a stack's file as far as the engine must be able to: it is there, it is YAML, and its keys are ones.
 *
 * @throws Problem that names the line of each mistake, or the stack files that there are
 */
export function requireStackFile(checkout: string, stack: string): Extract<StackText, { ok: true }> {
  const file = stackFile(checkout, stack);
  if (!existsSync(file)) throw noSuchFile(checkout, stack);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("the stack file cannot be read", { where: file, exitCode: ExitCode.usage, cause });
  }
  const parsed = parseStackText(text);
  if (parsed.ok) return parsed;
  throw refusal(`the file of stack ${stack} cannot be used`, file, parsed.mistakes);
}

/**
 * Looks at a stack's settings without the engine, in milliseconds: everything that is wrong in the file itself, secrets
 * that are missing among it.
 *
 * @throws Problem with all mistakes
 */
export function requireSoundStackFile(checkout: string, stack: string): void {
  const mistakes = stackTextMistakes(stack, requireStackFile(checkout, stack));
  if (mistakes.length === 0) return;
  throw refusal(
    `${counted(mistakes.length, "mistake")} in settings of stack ${stack}`,
    stackFile(checkout, stack),
    mistakes,
  );
}

function refusal(what: string, file: string, mistakes: string[]): Problem {
  const list = mistakes.map((mistake) => `  - ${mistake}`).join("\n");
  return new Problem(`${what}:\n${list}`, {
    where: file,
    mend: "edit the file, then the same command again; docs/settings.md lists every setting",
    exitCode: ExitCode.usage,
  });
}

function noSuchFile(checkout: string, stack: string): Problem {
  const stacks = readdirSync(checkout)
    .map((name) => /^Pulumi\.(\w+)\.yaml$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
  const others = stacks.length === 0 ? "none" : stacks.join(", ");
  return new Problem(`this checkout has no file of stack ${stack}, only of: ${others}`, {
    where: stackFile(checkout, stack),
    mend: "name one of them, or take the checkout that deployed the stack, or bring its file here",
    exitCode: ExitCode.usage,
  });
}
