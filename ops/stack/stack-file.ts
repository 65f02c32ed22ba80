import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseDocument } from "yaml";
import { keyName } from "../../config/explain.ts";
import { settingsMistakes } from "../../config/settings.ts";
import { ExitCode, Problem } from "../base/problem.ts";

/**
 * What a stack's file says under `config`, by key.
 *
 * @throws Problem when there is no such file, or no YAML in it
 */
export function requireStackFile(checkout: string, stack: string): Record<string, unknown> {
  const file = path.join(checkout, `Pulumi.${stack}.yaml`);
  if (!existsSync(file)) {
    throw new Problem(`this checkout has no file of stack ${stack}`, {
      where: file,
      mend: "take the checkout that deployed it, or bring its file here",
      exitCode: ExitCode.usage,
    });
  }
  const document = parseDocument(readFileSync(file, "utf8"), { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw new Problem(`the file of stack ${stack} is no YAML: ${error.message.trimEnd()}`, {
      where: line === undefined ? file : `${file}, line ${line}`,
      exitCode: ExitCode.usage,
    });
  }
  const { config } = (document.toJS() ?? {}) as { config?: Record<string, unknown> | null };
  return config ?? {};
}

/**
 * Checks all that can be known of a stack's settings before anything of this machine is touched. What depends on the
 * machine is checked when it is set up.
 *
 * @throws Problem that lists all mistakes
 */
export function requireSoundStackFile(checkout: string, stack: string): void {
  const config = requireStackFile(checkout, stack);
  const prefix = keyName([]);
  const ours = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value] as const);
  const sealed = ours.filter(([, value]) => isSealed(value)).map(([key]) => keyName([key]));
  const open = ours.filter(([, value]) => !isSealed(value));
  const values = Object.fromEntries(open.map(([key, value]) => [key, asPulumiGives(value)]));
  // What is sealed is there, whatever it says.
  const mistakes = settingsMistakes(stack, values).filter(
    (line) => !sealed.some((key) => line.startsWith(`${key}: missing`)),
  );
  if (mistakes.length === 0) return;
  throw new Problem(
    `${mistakes.length} mistake(s) in settings of stack ${stack}:\n${mistakes.map((line) => `  - ${line}`).join("\n")}`,
    { where: path.join(checkout, `Pulumi.${stack}.yaml`), exitCode: ExitCode.usage },
  );
}

/** Pulumi hands a program text as it stands, and everything else as JSON. */
function asPulumiGives(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether a value is a secret that only Pulumi can read. */
function isSealed(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}
