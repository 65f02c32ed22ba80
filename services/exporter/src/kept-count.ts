export interface Kept {
  value: number;
  ageSeconds: number;
}

/** Share of the time that may be spent on counting: a count that took 0.5 s is made every 10 s at most. */
const SHARE = 1 / 20;

/** How long a scrape waits for a count, ms: enough for a fresh count of small data; a count of large data goes on behind. */
const WAIT_MS = 10;

/**
 * A count that takes longer the more data there is, kept from scrape to scrape: `read` gives the last one, and starts a
 * new one when the last is older than twenty times the time that it took.
 */
export class KeptCount<Source = void> {
  readonly #count: (source: Source) => Promise<number>;
  readonly #now: () => number;
  #last: { value: number; takenAt: number; tookMs: number } | undefined;
  #running: Promise<void> | undefined;
  #failure: unknown;

  /**
   * @param count counts from what `read` was given, such as a connection
   * @param now milliseconds; passed in so that tests own the clock
   */
  constructor(count: (source: Source) => Promise<number>, now: () => number = () => performance.now()) {
    this.#count = count;
    this.#now = now;
  }

  /**
   * The count and its age. The first one is waited for.
   *
   * @throws what the last count failed with
   */
  async read(source: Source): Promise<Kept> {
    if (this.#running === undefined && this.#isDue()) this.#running = this.#refresh(source);
    if (this.#running !== undefined) await this.#waitBriefly(this.#running);
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

  async #refresh(source: Source): Promise<void> {
    const started = this.#now();
    try {
      const value = await this.#count(source);
      const takenAt = this.#now();
      this.#last = { value, takenAt, tookMs: takenAt - started };
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#running = undefined;
    }
  }

  async #waitBriefly(running: Promise<void>): Promise<void> {
    if (this.#last === undefined) return running;
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WAIT_MS);
    });
    await Promise.race([running, waited]);
    clearTimeout(timer);
  }
}
