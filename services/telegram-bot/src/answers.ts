import { type Asked, buttonData, type Unclear } from "./asked.ts";
import type { Entry, Inbox, Part } from "./inbox.ts";
import { type Memory, type MemoryServer, NotNow, Refused, type ServerReason } from "./memory.ts";
import { COMMANDS } from "./telegram.ts";
import { escaped, likeness, message, messages } from "./text.ts";

/** How many memories `/recall` and a page of `/list` show. */
const RECALLED = 8;
const PAGE = 20;

/** An add that is begun ends within less than this. */
const MARGIN_MS = 3_600_000;

/** How much of a text a question repeats. */
const QUOTED = 700;

/** What became of something that was asked for; an answer that Telegram did not take is counted besides. */
export const OUTCOMES = ["done", "refused", "unknown", "undelivered"] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** What is said, and what became of what was asked for. */
export interface Answer {
  outcome: Outcome;
  reply: Part[];
}

const EVENTS: Record<string, string> = { ADD: "Remembered", UPDATE: "Updated", DELETE: "Forgotten" };

const UNCLEAR: Record<Unclear, string> = {
  remember: "What shall I remember? Write it behind the command, or reply with /remember to a message.",
  recall: "What do you want to know? For example: /recall where did I put the spare key?",
  list: "Which page? For example: /list 2",
  forget: "Which one? Give its number as /list or /recall has just shown it, for example: /forget 3",
  command: "I do not know that. /help tells what I can do.",
  plain: "I keep only what follows /remember. /help tells what else I can do.",
  "no-text": "I can only keep text.",
};

/** Why something has to wait, for a person. */
const WAITS: Record<ServerReason, string> = {
  unreachable: "the memory cannot be reached",
  timeout: "the memory does not answer in time",
  unavailable: "the memory is paused or starting",
  busy: "the memory is busy",
  model: "the model behind the memory does not answer",
  key: "the memory does not accept my key",
  error: "the memory has a fault",
  malformed: "the memory answers with something that I cannot read",
};

export const REFUSAL = message(
  "I am the memory of somebody else, and cannot help you. Nothing of what you write here is kept.",
);

/** What is said at once where the answer takes longer. */
export function noted(asked: Asked): string {
  return asked.kind === "remember" ? "Noted \u2026" : "One moment \u2026";
}

/** What is said while the answer has to wait for the memory. */
export function waits({ reason }: NotNow): string {
  return `Noted, but ${WAITS[reason]} just now. I keep trying, and will say here when it is done.`;
}

/** What the answers are made of. */
export interface Sources {
  memory: MemoryServer;
  inbox: Inbox;
  /** For how long the server knows an Idempotency-Key, in milliseconds. */
  keyLastsMs: number;
  /** What the bot knows of itself, for `/status`; plain lines. */
  ownStatus: (person: number) => string[];
}

/**
 * The answer to what a person asked, after it was done.
 *
 * @throws NotNow when it has to be tried again
 */
export async function answer(entry: Entry, sources: Sources, now: number): Promise<Answer> {
  const { asked, received } = entry;
  if (asked.kind === "remember" && now - received > sources.keyLastsMs - MARGIN_MS)
    return { outcome: "unknown", reply: tooOld(asked.text) };
  try {
    return { outcome: "done", reply: await answerTo(entry, sources) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { outcome: "refused", reply: message(`That cannot be done: ${escaped(error.message)}`) };
  }
}

/** The server forgets a reply some time after it was given: a repeat could then store the same again. */
function tooOld(text: string): Part[] {
  const lead =
    "This waited for so long that I cannot tell whether it was remembered. /recall shows it if it was;";
  return messages([{ lead: `${lead} if not, send it again:`, text }]);
}

async function answerTo({ asked, person, user, key }: Entry, sources: Sources): Promise<Part[]> {
  const { memory, inbox } = sources;
  switch (asked.kind) {
    case "start":
      return message(`Hello. I keep and find the memories of <b>${escaped(user)}</b>.\n\n${commands()}`);
    case "help":
      return message(commands());
    case "status":
      return message(
        escaped([...(await serverStatus(memory, user)), ...sources.ownStatus(person)].join("\n")),
      );
    case "unclear":
      return message(UNCLEAR[asked.about]);
    case "remember":
      return remembered(await memory.remember(asked.text, user, key));
    case "recall": {
      const found = await memory.recall(asked.text, user, RECALLED);
      inbox.show(person, ids(found), 1);
      if (found.length === 0) return message("There is nothing to recall yet. Begin with /remember.");
      return messages(
        found.map(({ similarity, ...one }, index) => ({
          lead: `<b>${index + 1}.</b>`,
          text: one.memory,
          note: `${dateOf(one)} \u00b7 ${likeness(similarity)}`,
        })),
      );
    }
    case "list":
      return listed(asked.page, await memory.list(user, (asked.page - 1) * PAGE, PAGE), (shown, first) =>
        inbox.show(person, shown, first),
      );
    case "forget":
      return question(asked.number, await shownMemory(asked.number, person, user, sources));
    case "confirmed": {
      const one = await memory.get(asked.memory, user);
      if (one === undefined || !(await memory.forget(one.id))) return message("It was gone already.");
      return messages([{ lead: "<b>Forgotten:</b>", text: one.memory }]);
    }
    case "kept":
      return message("Kept. Nothing was changed.");
  }
}

function commands(): string {
  return COMMANDS.map(({ command, description }) => `/${command} \u2013 ${escaped(description)}`).join("\n");
}

function remembered(changes: readonly { event: string; memory: string }[]): Part[] {
  if (changes.length === 0) return message("There is nothing new in that; your memories are as they were.");
  return messages(
    changes.map(({ event, memory }) => ({ lead: `<b>${EVENTS[event] ?? "Changed"}:</b>`, text: memory })),
  );
}

function listed(
  page: number,
  { results, total }: { results: readonly Memory[]; total: number },
  show: (shown: string[], first: number) => void,
): Part[] {
  const first = (page - 1) * PAGE + 1;
  show(ids(results), first);
  if (total === 0) return message("There are no memories yet. Begin with /remember.");
  if (results.length === 0) return message(`There are ${total} memories, and no page ${page} of them.`);
  const last = first + results.length - 1;
  const more = last < total ? `; the next: /list ${page + 1}` : "";
  return messages([
    ...results.map((one, index) => ({
      lead: `<b>${first + index}.</b>`,
      text: one.memory,
      note: dateOf(one),
    })),
    { text: `${first} to ${last} of ${total}${more}` },
  ]);
}

async function shownMemory(
  number: number,
  person: number,
  user: string,
  { memory, inbox }: Sources,
): Promise<Memory | undefined> {
  const id = inbox.shownAs(person, number);
  return id === undefined ? undefined : memory.get(id, user);
}

function question(number: number, one: Memory | undefined): Part[] {
  if (one === undefined)
    return message(`I have shown you no ${number} that is still there. /list shows what there is.`);
  const quoted =
    one.memory.length > QUOTED ? `${one.memory.slice(0, QUOTED).toWellFormed()} \u2026` : one.memory;
  return [
    {
      html: `Forget this for good?\n\n${escaped(quoted)}`,
      buttons: [
        { text: "Forget it", data: buttonData.forget(one.id) },
        { text: "Keep it", data: buttonData.keep },
      ],
    },
  ];
}

async function serverStatus(memory: MemoryServer, user: string): Promise<string[]> {
  try {
    const lacks = await memory.lacks();
    if (lacks.length > 0) return [`The memory is not ready: ${lacks.join("; ")}.`];
    const { total } = await memory.list(user, 0, 1);
    return [`The memory is ready. It holds ${total} memories of ${user}.`];
  } catch (error) {
    if (error instanceof NotNow) return [`Just now ${WAITS[error.reason]}.`];
    throw error;
  }
}

function ids(memories: readonly { id: string }[]): string[] {
  return memories.map(({ id }) => id);
}

/** The day since when it is so. */
function dateOf({ updated_at, created_at }: Pick<Memory, "updated_at" | "created_at">): string {
  return (updated_at ?? created_at ?? "").slice(0, 10);
}
