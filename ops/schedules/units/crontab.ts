import { Problem } from "../../base/problem.ts";
import { ALWAYS } from "../jobs.ts";
import type { Task } from "./unit.ts";

/**
 * A stack's lines in the user's crontab, between two markers. Every other byte of it is somebody else's and stays. Texts
 * are Latin-1 here: a character for each byte, whatever they are encoded in.
 */

const ABOUT = "(mem0 writes what is between these two lines; ./mem0 up changes it)";

const beginOf = (stack: string) => `# BEGIN mem0 ${stack} ${ABOUT}`;
const endOf = (stack: string) => `# END mem0 ${stack}`;
const isBegin = (line: string, stack: string) => /^# BEGIN mem0 (\S+)/.exec(line)?.[1] === stack;
const isEnd = (line: string, stack: string) => /^# END mem0 (\S+)\s*$/.exec(line)?.[1] === stack;

/** Behind each line, where the shell takes it for a comment: which job it is. */
const tagOf = (job: string) => ` # mem0 ${job}`;

/** The line of a job. `%` would end cron's command, so it is escaped; what is printed before there is a log goes to a file. */
export function crontabLine({ job, when, command, output }: Task): string {
  const words = [...command.map(inShell), ">>", inShell(output), "2>&1"];
  // Cron starts nothing again: each minute it is looked whether it runs.
  const time = when === ALWAYS ? "* * * * *" : when.trim().split(/\s+/).join(" ");
  const line = `${time} MALLOC_ARENA_MAX=2 ${words.join(" ").replaceAll("%", "\\%")}${tagOf(job)}`;
  return Buffer.from(line, "utf8").toString("latin1");
}

/** A word that the shell takes as it is. */
function inShell(word: string): string {
  return /^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The line of a job, as it stands in a crontab; undefined where there is none. */
export function findLine(crontab: string, stack: string, job: string): string | undefined {
  return blockOf(crontab, stack)?.lines.find((line) => line.endsWith(tagOf(job)));
}

/**
 * A crontab in which a stack's job has this line, or none.
 *
 * @throws Problem when a marker is missing, or stands there twice
 */
export function withLine(crontab: string, stack: string, job: string, line: string | undefined): string {
  const block = blockOf(crontab, stack);
  const own = [line].filter((given) => given !== undefined);
  if (block === undefined) {
    if (line === undefined) return crontab;
    // Cron refuses a crontab whose last line does not end.
    const before = crontab === "" || crontab.endsWith("\n") ? crontab : `${crontab}\n`;
    return before + written(stack, own);
  }
  const at = block.lines.findIndex((there) => there.endsWith(tagOf(job)));
  const lines =
    at === -1
      ? [...block.lines, ...own]
      : [...block.lines.slice(0, at), ...own, ...block.lines.slice(at + 1)];
  return block.before + (lines.length === 0 ? "" : written(stack, lines)) + block.after;
}

function written(stack: string, lines: readonly string[]): string {
  return [beginOf(stack), ...lines, endOf(stack), ""].join("\n");
}

interface Block {
  before: string;
  lines: string[];
  after: string;
}

function blockOf(crontab: string, stack: string): Block | undefined {
  const all = crontab.split("\n");
  const indices = (is: (line: string, stack: string) => boolean) =>
    all.flatMap((line, index) => (is(line, stack) ? [index] : []));
  const [begins, ends] = [indices(isBegin), indices(isEnd)];
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined && end === undefined) return undefined;
  if (begin === undefined || end === undefined || begins.length > 1 || ends.length > 1 || end < begin) {
    throw broken(stack, begins.length, ends.length);
  }
  const before = all.slice(0, begin).map((line) => `${line}\n`);
  return {
    before: before.join(""),
    lines: all.slice(begin + 1, end),
    after: all.slice(end + 1).join("\n"),
  };
}

function broken(stack: string, begins: number, ends: number): Problem {
  return new Problem(
    `the crontab has ${begins} lines that begin what mem0 wrote for stack ${stack}, and ${ends} that end it: nobody can ` +
      "tell which lines are whose, so none is touched",
    {
      where: "crontab -l",
      mend: `crontab -e: leave one "# BEGIN mem0 ${stack}" above the lines and one "# END mem0 ${stack}" below, or remove all of them; then: ./mem0 up ${stack}`,
    },
  );
}
