// ./mem0 --help needs this: no package.

/** A number of things for people: `1 memory`, `12,345 memories`. */
export function counted(count: number, one: string, many: string = pluralOf(one)): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** A word as a person would type it in a shell. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `"${word.replaceAll(/["\\$`]/g, "\\$&")}"`;
}

function pluralOf(word: string): string {
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
}
