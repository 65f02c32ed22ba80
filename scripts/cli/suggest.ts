import { closestMatch } from "leven";

/** The one of `names` that was likely meant by a misspelt word; nothing when none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  // A third of the letters and no more than three may differ, as in `acept` or `statsu`.
  return closestMatch(word, names, { maxDistance: Math.min(3, Math.ceil(word.length / 3)) });
}
