/** Columns that a live list of progress needs. */
const COLUMNS = 60;

/** Whether progress can be drawn live: a terminal that is too narrow, or tells no width, gets plain lines. */
export function isRoomyTerminal(): boolean {
  return process.stdout.isTTY && process.stdout.columns >= COLUMNS;
}
