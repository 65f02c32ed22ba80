/** How often a line is written where it cannot be overwritten, ms. */
const PLAIN_EVERY = 2_000;
const LIVE_EVERY = 100;

/**
 * A count that grows, on standard error: standard output belongs to the data and to `--json`. On a terminal one line
 * that changes; elsewhere a line every two seconds.
 *
 * @returns what to call with the text of the moment, and what ends it
 */
export function liveCounter(): { show: (text: string) => void; done: () => void } {
  const live = process.stderr.isTTY;
  let last = performance.now();
  let shown = false;
  return {
    show: (text) => {
      const now = performance.now();
      if (now - last < (live ? LIVE_EVERY : PLAIN_EVERY)) return;
      last = now;
      shown = true;
      process.stderr.write(live ? `\r\u001b[K${text}` : `${text}\n`);
    },
    done: () => {
      if (live && shown) process.stderr.write("\r\u001b[K");
    },
  };
}
