import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { Asked, Received } from "./asked.ts";

/** A button below a message. */
export interface Button {
  text: string;
  data: string;
}

/** One message of an answer, as HTML for Telegram. */
export interface Part {
  html: string;
  buttons?: Button[];
}

/** Something that a person has asked for and that is not done yet. */
export interface Entry {
  seq: number;
  received: number;
  person: number;
  /** Whose memory it is about; as it was when it came, so that a repeat asks for the same. */
  user: string;
  /** Of the message that asked. */
  message: number;
  asked: Asked;
  /** The server's Idempotency-Key: the same for the same update, whatever becomes of this file. */
  key: string;
  /** Message that the answer is put into: "noted", or the one whose button was pressed. */
  noted: number | undefined;
  /** The answer, from when it is known. */
  reply: Part[] | undefined;
  /** How many parts of the answer were sent. */
  said: number;
}

/** What of an entry its row keeps as JSON. */
type Body = Pick<Entry, "user" | "message" | "asked" | "key">;

/**
 * Telegram sends what was not confirmed for 24 h at most, and after a week of silence begins anew at a random id. Twice
 * as long an id means the same update; later it may mean another.
 */
const ID_LASTS_MS = 48 * 3_600_000;

const VERSION = 1;

const SCHEMA = `
  CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    bot INTEGER NOT NULL,
    update_id INTEGER,
    received INTEGER NOT NULL,
    person INTEGER NOT NULL,
    body TEXT,
    noted INTEGER,
    reply TEXT,
    said INTEGER NOT NULL DEFAULT 0,
    UNIQUE (bot, update_id)
  ) STRICT;
  CREATE INDEX waiting ON inbox (seq) WHERE body IS NOT NULL;
  CREATE TABLE shown (
    person INTEGER NOT NULL,
    number INTEGER NOT NULL,
    memory TEXT NOT NULL,
    PRIMARY KEY (person, number)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`;

/**
 * What was received and is not done yet, on disk: an update is confirmed to Telegram when its row is committed. A row
 * that is done keeps the update's id alone, for as long as Telegram may send it again.
 */
export class Inbox {
  readonly #db: DatabaseSync;

  /** @throws when the file cannot be written, is damaged, or is of a newer version */
  constructor(file: string) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file);
    // A rollback journal: it works on directories shared into a virtual machine too, where a WAL does not.
    this.#db.exec(
      "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000",
    );
    const version = Number(this.#db.prepare("PRAGMA user_version").get()?.user_version);
    if (version > VERSION) throw new Error(`${file} is of a newer version (${version}) of the bot`);
    if (version === 0) this.#whole(() => this.#db.exec(SCHEMA));
  }

  /**
   * Takes what was received, all of it or nothing, and returns what was new. What was there already is left as it is.
   *
   * @param userOf whose memory a person uses
   */
  take(bot: number, updates: readonly Received[], userOf: (person: number) => string, now: number): Entry[] {
    const insert = this.#db.prepare(
      "INSERT OR IGNORE INTO inbox (bot, update_id, received, person, body, noted) VALUES (?, ?, ?, ?, ?, ?)",
    );
    return this.#whole(() => {
      this.#expire(now);
      return updates.flatMap(({ updateId, person, message, date, callback, asked }) => {
        const user = userOf(person);
        const body: Body = { user, message, asked, key: `telegram-${bot}-${updateId}-${date}` };
        const noted = callback === undefined ? null : message;
        const { changes, lastInsertRowid } = insert.run(
          ...[bot, updateId, now, person, JSON.stringify(body), noted],
        );
        if (changes === 0) return [];
        const seq = Number(lastInsertRowid);
        return [
          { ...body, seq, received: now, person, noted: noted ?? undefined, reply: undefined, said: 0 },
        ];
      });
    });
  }

  /** All that is not done, in the order in which it came. */
  waiting(): Entry[] {
    return this.#db.prepare("SELECT * FROM inbox WHERE body IS NOT NULL ORDER BY seq").all().map(entryOf);
  }

  /** How much is not done, and since when the oldest of it waits, in milliseconds. */
  backlog(): { count: number; since: number | undefined } {
    const row = this.#db
      .prepare("SELECT count(*) AS count, min(received) AS since FROM inbox WHERE body IS NOT NULL")
      .get();
    return { count: Number(row?.count), since: row?.since === null ? undefined : Number(row?.since) };
  }

  /** How much of one person's is not done. */
  waitingOf(person: number): number {
    const count = this.#db.prepare(
      "SELECT count(*) AS count FROM inbox WHERE body IS NOT NULL AND person = ?",
    );
    return Number(count.get(person)?.count);
  }

  noted(seq: number, message: number): void {
    this.#db.prepare("UPDATE inbox SET noted = ? WHERE seq = ?").run(message, seq);
  }

  replied(seq: number, reply: readonly Part[]): void {
    this.#db.prepare("UPDATE inbox SET reply = ? WHERE seq = ?").run(JSON.stringify(reply), seq);
  }

  said(seq: number, parts: number): void {
    this.#db.prepare("UPDATE inbox SET said = ? WHERE seq = ?").run(parts, seq);
  }

  done(seq: number): void {
    this.#db.prepare("UPDATE inbox SET body = NULL, reply = NULL, noted = NULL WHERE seq = ?").run(seq);
  }

  /** Removes what waits of all but these people, and what they were shown. @returns how much waited */
  keepOnly(people: Iterable<number>): number {
    const list = JSON.stringify([...people]);
    return this.#whole(() => {
      this.#db.prepare("DELETE FROM shown WHERE person NOT IN (SELECT value FROM json_each(?))").run(list);
      const { changes } = this.#db
        .prepare(
          "DELETE FROM inbox WHERE body IS NOT NULL AND person NOT IN (SELECT value FROM json_each(?))",
        )
        .run(list);
      return Number(changes);
    });
  }

  /** Gives numbers to the memories that a person is shown, from `first` on; those of an earlier list go. */
  show(person: number, memories: readonly string[], first: number): void {
    const insert = this.#db.prepare("INSERT INTO shown (person, number, memory) VALUES (?, ?, ?)");
    this.#whole(() => {
      this.#db.prepare("DELETE FROM shown WHERE person = ?").run(person);
      memories.forEach((memory, index) => {
        insert.run(person, first + index, memory);
      });
    });
  }

  /** The memory that a person was shown under a number last. */
  shownAs(person: number, number: number): string | undefined {
    const row = this.#db
      .prepare("SELECT memory FROM shown WHERE person = ? AND number = ?")
      .get(person, number);
    return row === undefined ? undefined : String(row.memory);
  }

  close(): void {
    this.#db.close();
  }

  #expire(now: number): void {
    const past = now - ID_LASTS_MS;
    this.#db.prepare("DELETE FROM inbox WHERE body IS NULL AND received < ?").run(past);
    this.#db
      .prepare("UPDATE inbox SET update_id = NULL WHERE update_id IS NOT NULL AND received < ?")
      .run(past);
  }

  #whole<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk has rolled back already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function entryOf(row: Record<string, SQLOutputValue>): Entry {
  return {
    ...(JSON.parse(String(row.body)) as Body),
    seq: Number(row.seq),
    received: Number(row.received),
    person: Number(row.person),
    noted: row.noted === null ? undefined : Number(row.noted),
    reply: row.reply === null ? undefined : (JSON.parse(String(row.reply)) as Part[]),
    said: Number(row.said),
  };
}
