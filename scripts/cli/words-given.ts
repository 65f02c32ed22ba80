import type { Command } from "commander";
import { ExitCode, Problem } from "../../ops/base/problem.ts";
import { shellWord } from "../../ops/base/words.ts";

/** Stands before a word that is no option though it begins with `-`. The system lets no word hold it. */
const MARK = "\u0000";

/**
 * Words of a command line in which a text such as `-5 degrees` is not taken for an option: no option has a blank in it,
 * but behind an equals sign.
 */
export function withoutFalseOptions(words: readonly string[]): string[] {
  return words.map((word) => (/^-[^=]*\s/.test(word) ? `${MARK}${word}` : word));
}

/** A word as it was given. */
export function given(word: string): string {
  return word.replaceAll(MARK, "");
}

/**
 * An empty word is a variable that was not set, or a slip: nothing here has a use for one.
 *
 * @throws Problem that names the argument or the option
 */
export function refuseEmpty(
  command: Command,
  words: readonly string[],
  options: Record<string, unknown>,
): void {
  const isEmpty = (value: unknown) => typeof value === "string" && value.trim() === "";
  const index = words.findIndex(isEmpty);
  const argument = command.registeredArguments[Math.min(index, command.registeredArguments.length - 1)];
  const empty = [
    ...(index < 0 ? [] : [argument?.name() ?? "an argument"]),
    ...command.options.filter((option) => isEmpty(options[option.attributeName()])).map(({ long }) => long),
  ];
  if (empty.length === 0) return;
  throw new Problem(`${empty.join(" and ")}: is empty`, {
    mend: `./mem0 ${pathOf(command)} --help`,
    exitCode: ExitCode.usage,
  });
}

/** A text of one or several words: quotes may be left out, unless what is meant would be a guess. */
export function oneText(words: readonly string[], verb: string): string {
  const [only, ...others] = words;
  if (others.length > 0 && words.some((word) => /\s/.test(word))) {
    throw new Problem(`${words.length} texts are given, and one is taken`, {
      mend: `quotes around the whole: ./mem0 ${verb} ${shellWord(words.join(" "))}; a stack is named with --stack`,
      exitCode: ExitCode.usage,
    });
  }
  return others.length === 0 ? (only ?? "") : words.join(" ");
}

/** The names by which a person calls a command, e.g. `backups pin`. */
export function pathOf(command: Command): string {
  const parent = command.parent?.parent ? `${pathOf(command.parent)} ` : "";
  return `${parent}${command.name()}`;
}
