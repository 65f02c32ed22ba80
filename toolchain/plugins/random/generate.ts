import { randomInt } from "node:crypto";

export interface CharacterClass {
  characters: string;
  /** Whether characters beyond `least` may be of this class. */
  allowed: boolean;
  least: number;
}

/** A number from 0 up to, not including, `limit`; every one as likely. */
export type RandomIndex = (limit: number) => number;

/**
 * A text of `length` characters: the least of each class, the rest from all allowed classes, in random order.
 *
 * @throws when the least numbers exceed the length, or characters are wanted of which there are none
 */
export function generate(
  length: number,
  classes: readonly CharacterClass[],
  index: RandomIndex = randomInt,
): string {
  if (classes.some((one) => one.least > 0 && one.characters === "")) {
    throw new Error("there is a least number of characters of a kind that has none.");
  }
  const characters = classes.flatMap((one) => pick(one.least, one.characters, index));
  const missing = length - characters.length;
  if (missing < 0)
    throw new Error(`"length" is ${length}, but the least numbers add up to ${characters.length}.`);
  const allowed = classes.map((one) => (one.allowed ? one.characters : "")).join("");
  if (missing > 0 && allowed === "") throw new Error("no kind of character is allowed.");
  return shuffle([...characters, ...pick(missing, allowed, index)], index).join("");
}

function pick(count: number, from: string, index: RandomIndex): string[] {
  return Array.from({ length: count }, () => from.charAt(index(from.length)));
}

/** Fisher and Yates: every order as likely. */
function shuffle(characters: string[], index: RandomIndex): string[] {
  const shuffled = [...characters];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = index(last + 1);
    const kept = shuffled[last] ?? "";
    shuffled[last] = shuffled[other] ?? "";
    shuffled[other] = kept;
  }
  return shuffled;
}
