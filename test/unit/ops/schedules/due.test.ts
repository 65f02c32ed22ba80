import { describe, expect, it } from "vitest";
import { dueTime, missedTime, type Ran } from "../../../../ops/schedules/due.ts";

const ZONE = "Europe/Berlin";
const NIGHTLY = "30 2 * * *";
const MINUTE = 60_000;

/** A machine with a clock, a manager that starts a job at given times, and the look for missed runs. */
class Machine {
  #ran: Ran = { since: "2026-10-01T00:00:00.000Z" };
  readonly begun: string[] = [];

  /** A manager starts the job, as cron does at its minute or launchd after sleep. */
  start(at: string, ends = true): void {
    const now = new Date(at);
    const due = dueTime(NIGHTLY, this.#ran, { now, isRunning: false, zone: ZONE });
    if (due !== undefined) this.#begin(now, due.tries, ends);
  }

  /** Awake, the job `missed` looks every ten minutes. */
  awake(from: string, to: string, ends = true): void {
    for (let now = Date.parse(from); now <= Date.parse(to); now += 10 * MINUTE) {
      const due = missedTime(NIGHTLY, this.#ran, { now: new Date(now), isRunning: false, zone: ZONE });
      if (due !== undefined) this.#begin(new Date(now), due.tries, ends);
    }
  }

  #begin(now: Date, tries: number, ends: boolean): void {
    const begun = now.toISOString();
    this.begun.push(begun);
    this.#ran = {
      ...this.#ran,
      run: { begun, cause: "time", tries: tries + 1, log: "", ...(ends ? { ended: begun } : {}) },
    };
  }
}

describe("a nightly job", () => {
  it("runs once each night on a machine that is on", () => {
    const machine = new Machine();
    machine.start("2026-11-27T01:30:00Z");
    machine.awake("2026-11-27T01:31:00Z", "2026-11-28T01:25:00Z");
    machine.start("2026-11-28T01:30:00Z");
    expect(machine.begun).toEqual(["2026-11-27T01:30:00.000Z", "2026-11-28T01:30:00.000Z"]);
  });

  it("is made up for once after three nights without power", () => {
    const machine = new Machine();
    machine.start("2026-11-24T01:30:00Z");
    machine.awake("2026-11-27T08:00:00Z", "2026-11-27T20:00:00Z");
    expect(machine.begun).toEqual(["2026-11-24T01:30:00.000Z", "2026-11-27T08:00:00.000Z"]);
  });

  it("runs once after sleep, whoever is first: launchd at waking up, or the look for missed runs", () => {
    const launchd = new Machine();
    launchd.start("2026-11-27T08:00:10Z");
    launchd.awake("2026-11-27T08:01:00Z", "2026-11-27T20:00:00Z");
    expect(launchd.begun).toEqual(["2026-11-27T08:00:10.000Z"]);
    const missed = new Machine();
    missed.awake("2026-11-27T08:00:00Z", "2026-11-27T08:10:00Z");
    missed.start("2026-11-27T08:10:30Z");
    expect(missed.begun).toEqual(["2026-11-27T08:00:00.000Z"]);
  });

  it("runs once in the night in which half past two comes twice, also where the manager starts it twice", () => {
    const machine = new Machine();
    machine.start("2026-10-25T00:30:00Z");
    machine.awake("2026-10-25T00:31:00Z", "2026-10-25T01:29:00Z");
    machine.start("2026-10-25T01:30:00Z");
    machine.awake("2026-10-25T01:31:00Z", "2026-10-25T20:00:00Z");
    expect(machine.begun).toEqual(["2026-10-25T00:30:00.000Z"]);
  });

  it.each(["2027-03-28T01:00:00.000Z", "2027-03-28T01:30:00.000Z"])(
    "runs once in the night in which half past two does not come, where the manager starts it at %s",
    (start) => {
      const machine = new Machine();
      machine.start("2027-03-27T01:30:00Z");
      machine.start(start);
      machine.awake("2027-03-28T01:31:00Z", "2027-03-28T20:00:00Z");
      expect(machine.begun).toEqual(["2027-03-27T01:30:00.000Z", start]);
    },
  );

  it("runs in the night in which half past two does not come where the manager starts nothing", () => {
    const machine = new Machine();
    machine.start("2027-03-27T01:30:00Z");
    machine.awake("2027-03-27T20:00:00Z", "2027-03-28T20:00:00Z");
    expect(machine.begun).toEqual(["2027-03-27T01:30:00.000Z", "2027-03-28T01:10:00.000Z"]);
  });

  it("that was cut off is tried once more, and not again and again", () => {
    const machine = new Machine();
    machine.start("2026-11-27T01:30:00Z", false);
    machine.awake("2026-11-27T08:00:00Z", "2026-11-27T20:00:00Z", false);
    expect(machine.begun).toEqual(["2026-11-27T01:30:00.000Z", "2026-11-27T08:00:00.000Z"]);
  });

  it("runs although an earlier run is noted for a time to come, when the clock was wrong", () => {
    const machine = new Machine();
    machine.start("2031-01-01T01:30:00Z");
    machine.start("2026-11-27T01:30:00Z");
    expect(machine.begun).toHaveLength(2);
  });

  it("is not owed for the time before it was installed, nor while a run of it is at work", () => {
    const at = { now: new Date("2026-11-27T12:00:00Z"), zone: ZONE };
    const since = "2026-11-27T11:00:00.000Z";
    expect(missedTime(NIGHTLY, { since }, { ...at, isRunning: false })).toBeUndefined();
    const earlier = "2026-11-26T11:00:00.000Z";
    expect(missedTime(NIGHTLY, { since: earlier }, { ...at, isRunning: false })).toBeDefined();
    expect(missedTime(NIGHTLY, { since: earlier }, { ...at, isRunning: true })).toBeUndefined();
  });
});
