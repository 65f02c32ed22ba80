import { setTimeout as delay } from "node:timers/promises";
import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";

/** A write waits no longer than the server's own pause lasts when nobody ends it. */
const WRITES_WITHIN_MS = 75_000;

/** Somebody who writes all the time and remembers what was acknowledged. */
export class SteadyWriter {
  readonly #stack: DeployedStack;
  readonly #user: string;
  readonly #acknowledged = new Set<string>();

  constructor(stack: DeployedStack, user: string) {
    this.#stack = stack;
    this.#user = user;
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
  async lost(name = this.#stack.manifest.database.name): Promise<number> {
    const { manifest, directory } = this.#stack;
    const { collection } = manifest.database;
    const database = { ...manifest.database, name };
    const postgres = await new DeployedStack({ ...manifest, database }, directory).postgres();
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
    const response = await this.#stack.server.request({
      method: "POST",
      path: "/memories",
      body,
      timeoutMs: 30_000,
    });
    const { results } = (await response.json()) as { results: { id: string }[] };
    for (const { id } of results) this.#acknowledged.add(id);
  }
}
