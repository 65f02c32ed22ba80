import { keyName } from "./explain.ts";
import { BOT_KEY } from "./names.ts";
import { API_KEY, type StackFile } from "./schema.ts";

/** The owner's own key, which the verbs use. */
export const OWNER = { name: "cli", role: "admin" } as const;

/** A key's line in the file that the memory server reads; users are percent-encoded, for they may have spaces. */
export function keyLine(name: string, granted: StackFile["server"]["keys"][string], key: string): string {
  const { role, users } = typeof granted === "string" ? { role: granted, users: [] } : granted;
  return `${[name, role, key, ...(users.length === 0 ? [] : [users.map(encodeURIComponent).join(",")])].join(" ")}\n`;
}

/** The bot's own key, where there is a bot: bound to the users that it speaks for. */
export function botKey({ telegram }: Pick<StackFile, "telegram">): StackFile["server"]["keys"] {
  if (telegram === undefined) return {};
  return { [BOT_KEY]: { role: "write", users: [...new Set(Object.values(telegram.users))] } };
}

/** Keys of the secret `mem0:apiKeys`, by name. Lines are `name key`; what is not such a line is left out. */
export function givenKeys(text = ""): Record<string, string> {
  const lines = wordsOfLines(text).filter(({ length }) => length === 2);
  return Object.fromEntries(lines as [string, string][]);
}

/** What is wrong with the keys of a stack file: one line per mistake, none of which repeats a key. */
export function keyMistakes({ server, apiKeys }: Pick<StackFile, "server" | "apiKeys">): string[] {
  const setting = keyName(["apiKeys"]);
  const known = Object.keys(server.keys);
  const named = wordsOfLines(apiKeys ?? "").map(([name]) => name);
  const mistakes = wordsOfLines(apiKeys ?? "").flatMap((words, index) => {
    const [name = "", key = ""] = words;
    const line = `${setting}: line ${index + 1}`;
    if (words.length !== 2) return [`${line} has ${words.length} words; allowed: a name and a key`];
    return [
      ...(API_KEY.test(key) ? [] : [`${line}: the key is too short; allowed: 16 characters or more`]),
      ...(named.indexOf(name) === index ? [] : [`${line}: ${name} has a key already; allowed: one each`]),
      ...(known.includes(name)
        ? []
        : [`${line}: ${name} has no role; allowed: names in ${keyName(["server", "keys"])}`]),
    ];
  });
  if (!known.includes(OWNER.name)) return mistakes;
  return [
    `${keyName(["server", "keys", OWNER.name])}: is the owner's own key, with the role ${OWNER.role}; take another name`,
    ...mistakes,
  ];
}

function wordsOfLines(text: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/));
}
