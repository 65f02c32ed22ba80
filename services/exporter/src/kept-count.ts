export interface Kept {
  value: number;
  ageSeconds: number;
}

/** Share of the time that counting may take: a count that took 0.5 s is taken every 10 s at most. */
const SHARE = 1 / 20;

/** How long a scrape waits for a count under way, ms: small data is always counted freshly, large never holds a scrape up. */
const PATIENCE_MS = 10;

/**
 * A count whose cost grows with the data. Whoever asks gets the last one, and starts a new one when the last is older
 * than twenty times what it took.
 */
export class KeptCount<Through = void> {
  readonly #take: (through: Through) => Promise<number>;
  readonly #now: () => number;
  #last: { value: number; takenAt: number; tookMs: number } | undefined;
  #running: Promise<void> | undefined;
  #failure: unknown;

  /**
   * @param take counts through what `read` was given, such as a connection
   * @param now milliseconds; passed in so that tests own the clock
   */
  constructor(take: (through: Through) => Promise<number>, now: () => number = () => performance.now()) {
    this.#take = take;
    this.#now = now;
  }

  /**
   * The count and its age. The first one is waited for.
   *
   * @throws what the last count failed with
   */
  async read(through: Through): Promise<Kept> {
    if (this.#running === undefined && this.#isDue()) this.#running = this.#refresh(through);
    if (this.#running !== undefined) await this.#patiently(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#last === undefined) throw new Error("there is no count yet");
    return { value: this.#last.value, ageSeconds: (this.#now() - this.#last.takenAt) / 1000 };
  }

  /** Forgets the count: after the store was away, it may be another one's. */
  forget(): void {
    this.#last = undefined;
  }

  #isDue(): boolean {
    return this.#last === undefined || this.#now() - this.#last.takenAt >= this.#last.tookMs / SHARE;
  }

  async #refresh(through: Through): Promise<void> {
    const started = this.#now();
    try {
      const value = await this.#take(through);
      const takenAt = this.#now();
      this.#last = { value, takenAt, tookMs: takenAt - started };
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#running = undefined;
    }
  }

  async #patiently(running: Promise<void>): Promise<void> {
    if (this.#last === undefined) return running;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([running, patience]);
    clearTimeout(timer);
  }
}
