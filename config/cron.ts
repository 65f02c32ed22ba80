import { Cron } from "croner";

/**
 * Times as cron writes them: minute, hour, day of the month, month, weekday. Taken is what cron, systemd and launchd can all
 * be told alike; when a time comes next is croner's to say.
 */

/** The values that a time may have, by field. */
export interface CronFields {
  minutes: number[];
  hours: number[];
  /** Undefined where every day is meant; with `weekdays`, either is enough, as in cron. */
  days: number[] | undefined;
  months: number[] | undefined;
  /** 0 is Sunday. */
  weekdays: number[] | undefined;
}

interface Field {
  name: string;
  min: number;
  max: number;
  /** Names of values, of which the first is `min`. */
  names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: readonly [Field, Field, Field, Field, Field] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS },
  // 7 is Sunday too.
  { name: "weekday", min: 0, max: 7, names: WEEKDAYS },
];

const PART = /^(?:\*|([a-z]+|\d+)(?:-([a-z]+|\d+))?)(?:\/(\d+))?$/;

/** What is wrong with an expression, for people; nothing when it can be used. */
export function cronMistake(expression: string): string | undefined {
  try {
    cronFields(expression);
    return next(expression, new Date()) === null ? "never comes" : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error that says what is wrong with the expression, when something is */
export function cronFields(expression: string): CronFields {
  const texts = expression.trim().toLowerCase().split(/\s+/);
  if (texts.length !== FIELDS.length) {
    throw new Error(`has ${texts.length} fields, not five: minute, hour, day, month, weekday`);
  }
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) =>
    valuesOf(texts[index] ?? "", field),
  ) as [number[], number[], number[], number[], number[]];
  const isGiven = (index: number) => texts[index] !== "*";
  // Cron takes either of the two, but both where one begins with a star; the others take either.
  if (isGiven(2) && isGiven(4) && (texts[2]?.startsWith("*") || texts[4]?.startsWith("*"))) {
    throw new Error(
      "has steps of days beside weekdays, which not every system takes alike: write the days out",
    );
  }
  const sundays = [...new Set(weekdays.map((day) => day % 7))].sort((a, b) => a - b);
  return {
    minutes,
    hours,
    days: isGiven(2) ? days : undefined,
    months: isGiven(3) ? months : undefined,
    weekdays: isGiven(4) ? sundays : undefined,
  };
}

function valuesOf(text: string, { name, min, max, names = [] }: Field): number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = PART.exec(part);
    // As croner: a step goes with a star or a range.
    if (match === null || (match[1] !== undefined && match[2] === undefined && match[3] !== undefined)) {
      throw new Error(`has ${JSON.stringify(text)} as its ${name}; allowed: *, values, ranges, */steps`);
    }
    const numbered = (word: string) => {
      const number = names.includes(word) ? names.indexOf(word) + min : Number(word);
      if (Number.isInteger(number) && number >= min && number <= max) return number;
      throw new Error(`has ${word} as its ${name}; allowed: ${min} to ${max}`);
    };
    const from = match[1] === undefined ? min : numbered(match[1]);
    const to = match[1] === undefined ? max : numbered(match[2] ?? match[1]);
    const step = Number(match[3] ?? 1);
    if (from > to || step < 1) throw new Error(`has ${JSON.stringify(part)} as its ${name}, which is empty`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

/**
 * When a job is to run next. Where clocks go forward, what falls into the hour that there is not runs at its end; where they go back,
 * once.
 *
 * @param zone of the clock, e.g. `Europe/Berlin`; this machine's own when left out
 */
export function nextRun(expression: string, after: Date, zone?: string): Date {
  const found = next(expression, after, zone);
  if (found === null) throw new Error(`${expression} never comes`);
  return found;
}

/** When a job was to run last: at `at`, or before. */
export function lastRun(expression: string, at: Date, zone?: string): Date | undefined {
  // Croner gives what is before, and knows whole seconds.
  return parsed(expression, zone).previousRuns(1, new Date(at.getTime() + 1000))[0];
}

/** Runs of the rarer of two jobs that are compared with the other: a year of what runs daily. */
const COMPARED = 400;

/** A minute of the next months in which both begin. */
export function sameMinute(one: string, other: string, from: Date): Date | undefined {
  const [first, second] = [cronFields(one), cronFields(other)];
  const meet = (key: "minutes" | "hours") => first[key].some((value) => second[key].includes(value));
  if (!meet("minutes") || !meet("hours")) return undefined;
  const [a, b] = [parsed(one, "UTC"), parsed(other, "UTC")];
  return [
    ...a.nextRuns(COMPARED, from).filter((time) => b.match(time)),
    ...b.nextRuns(COMPARED, from).filter((time) => a.match(time)),
  ][0];
}

function next(expression: string, after: Date, zone?: string): Date | null {
  return parsed(expression, zone).nextRun(after);
}

function parsed(expression: string, timezone?: string): Cron {
  return new Cron(expression.trim(), { mode: "5-part", ...(timezone === undefined ? {} : { timezone }) });
}
