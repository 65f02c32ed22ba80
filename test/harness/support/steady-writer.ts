import { setTimeout as delay } from "node:timers/promises";
import type { Manifest } from "../../../config/manifest.ts";
import { connectPostgres } from "../../../ops/backup/stack-access.ts";
import { MemoryClient } from "../../../ops/server/client.ts";

/** A write waits no longer than the server's own pause lasts when nobody ends it. */
const WRITES_WITHIN_MS = 75_000;

/** Somebody who writes all the time and remembers what was acknowledged. */
export class SteadyWriter {
  readonly #client: MemoryClient;
  readonly #manifest: Manifest;
  readonly #user: string;
  readonly #acknowledged = new Set<string>();

  constructor(manifest: Manifest, user: string) {
    this.#manifest = manifest;
    this.#user = user;
    this.#client = new MemoryClient(manifest);
  }

  /** Ids of the memories whose writing was acknowledged. */
  get acknowledged(): string[] {
    return [...this.#acknowledged];
  }

  /**
   * Writes once; repeats while the server says that it should come back later.
   *
   * @throws Error when writing does not go on
   */
  async write(): Promise<void> {
    const deadline = Date.now() + WRITES_WITHIN_MS;
    for (;;) {
      try {
        return await this.#once();
      } catch (cause) {
        if (Date.now() > deadline) throw new Error(`writing does not go on: ${cause}`, { cause });
        await delay(200);
      }
    }
  }

  async writeUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // What is refused was not acknowledged, and is nobody's loss.
      await this.#once().catch(() => {});
      await delay(50);
    }
  }

  /** How many of the acknowledged memories a database of the stack does not hold; the live one unless named. */
  async lost(database = this.#manifest.database.name): Promise<number> {
    const { collection } = this.#manifest.database;
    const postgres = await connectPostgres({
      ...this.#manifest,
      database: { ...this.#manifest.database, name: database },
    });
    try {
      const { rows } = await postgres.query<{ id: string }>(
        `SELECT id FROM "${collection}" WHERE id = ANY($1)`,
        [this.acknowledged],
      );
      return this.#acknowledged.size - rows.length;
    } finally {
      await postgres.end();
    }
  }

  async #once(): Promise<void> {
    const body = {
      messages: [{ role: "user", content: `note number ${this.#acknowledged.size}` }],
      user_id: this.#user,
      infer: false,
    };
    const response = await this.#client.request({
      method: "POST",
      path: "/memories",
      body,
      timeoutMs: 30_000,
    });
    const { results } = (await response.json()) as { results: { id: string }[] };
    for (const { id } of results) this.#acknowledged.add(id);
  }
}
