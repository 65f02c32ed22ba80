import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clear, delivered, event, silence, step } from "../../../../ops/alerts/core.ts";
import { type AlertsState, type Finding, NOTHING_YET, type Policy } from "../../../../ops/alerts/state.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const POLICY: Policy = {
  cooldown: HOUR,
  remind: 6 * HOUR,
  openAfter: 2,
  closeAfter: 2,
  channels: [{ name: "telegram", takes: () => true }],
};

const found = (...types: string[]): Finding[] =>
  types.map((type) => ({ type, source: "health", level: "CRITICAL", text: `${type} is away` }));

/** A deliverer on a clock of its own, looking every five minutes. */
class Watch {
  state: AlertsState = NOTHING_YET;
  now = 0;
  /** Whether messages get through. */
  isUp = true;
  readonly heard: string[] = [];
  readonly policy: Policy;

  constructor(policy: Partial<Policy> = {}) {
    this.policy = { ...POLICY, ...policy };
  }

  look(...types: string[]): this {
    this.now += 5 * MINUTE;
    this.state = step(this.state, found(...types), this.policy, this.now);
    return this.send();
  }

  looks(times: number, ...types: string[]): this {
    for (let time = 0; time < times; time++) this.look(...types);
    return this;
  }

  send(): this {
    while (this.isUp && this.state.queue.length > 0) {
      const [message] = this.state.queue;
      if (message === undefined) break;
      const to = this.policy.channels.length === 1 ? "" : `${message.channel}: `;
      this.heard.push(`${to}${message.kind} ${message.items.map(({ type }) => type).join(",")}`);
      this.state = delivered(this.state, message.id, this.now);
    }
    return this;
  }

  event(type: string): string | undefined {
    const told = event(this.state, found(type)[0] as Finding, this.policy, this.now);
    this.state = told.state;
    this.send();
    return told.heldBack;
  }
}

describe("alerts", () => {
  it("open after two failures in a row, and close after two successes, which is told too", () => {
    const watch = new Watch().look("neo4j_down").look().look("neo4j_down").looks(4);
    expect(watch.heard).toEqual([]);
    watch.looks(3, "neo4j_down").look().look("neo4j_down").looks(5);
    expect(watch.heard).toEqual(["alert neo4j_down", "recovery neo4j_down"]);
  });

  it("come in one message when they open at once, and are remembered no longer than their cooldown", () => {
    const watch = new Watch().looks(2, "postgresql_down", "disk_space_low").looks(2);
    expect(watch.heard).toEqual([
      "alert postgresql_down,disk_space_low",
      "recovery postgresql_down,disk_space_low",
    ]);
    watch.looks(12);
    expect(watch.state.types).toEqual({});
  });

  it("are told again as a reminder while they stay open", () => {
    const watch = new Watch().looks(2 + 72, "backup_overdue");
    expect(watch.heard).toEqual(["alert backup_overdue", "reminder backup_overdue"]);
  });

  it("cost one message of each kind a cooldown when they flap", () => {
    const watch = new Watch();
    for (let round = 0; round < 12; round++) watch.looks(2, "neo4j_endpoint").looks(2);
    const hours = Math.ceil(watch.now / HOUR);
    expect(watch.heard.filter((line) => line.startsWith("alert")).length).toBeLessThanOrEqual(hours);
    expect(watch.heard.filter((line) => line.startsWith("recovery")).length).toBeLessThanOrEqual(hours);
  });

  it("that nobody could be told of wait, and come in order with their recoveries", () => {
    const watch = new Watch();
    watch.isUp = false;
    watch.looks(2, "postgresql_down").looks(2).looks(2, "disk_space_low").looks(6, "disk_space_low");
    expect(watch.heard).toEqual([]);
    watch.isUp = true;
    watch.send();
    expect(watch.heard).toEqual([
      "alert postgresql_down",
      "recovery postgresql_down",
      "alert disk_space_low",
    ]);
  });

  it("count as told from the moment when somebody heard of them", () => {
    const watch = new Watch({ remind: HOUR });
    watch.isUp = false;
    watch.looks(6, "disk_space_low");
    watch.isUp = true;
    watch.send().looks(11, "disk_space_low");
    expect(watch.heard).toEqual(["alert disk_space_low"]);
    expect(watch.look("disk_space_low").heard).toEqual(["alert disk_space_low", "reminder disk_space_low"]);
  });

  it("recover for those alone that heard of them", () => {
    const channels = [
      { name: "telegram", takes: () => true },
      { name: "webhook", takes: ({ type }: Finding) => type !== "neo4j_down" },
    ];
    const watch = new Watch({ channels }).looks(2, "neo4j_down").looks(2);
    expect(watch.heard).toEqual(["telegram: alert neo4j_down", "telegram: recovery neo4j_down"]);
  });

  it("are not opened while they are silenced, and begin to count when that has ended", () => {
    const watch = new Watch();
    watch.state = silence(watch.state, { type: "neo4j_down", until: 22 * MINUTE, by: "backup" });
    watch.looks(4, "neo4j_down", "disk_space_low");
    expect(watch.heard).toEqual(["alert disk_space_low"]);
    expect(watch.looks(1, "neo4j_down", "disk_space_low").heard).toHaveLength(1);
    expect(watch.looks(1, "neo4j_down", "disk_space_low").heard).toEqual([
      "alert disk_space_low",
      "alert neo4j_down",
    ]);
    expect(watch.state.silences).toEqual([]);
  });

  it("that are silenced while they are open still recover", () => {
    const watch = new Watch().looks(2, "neo4j_down");
    watch.state = silence(watch.state, { until: watch.now + HOUR, by: "a person" });
    expect(watch.looks(2).heard).toEqual(["alert neo4j_down", "recovery neo4j_down"]);
  });

  it("of a verb are told once a cooldown, and a backup's success each time", () => {
    const watch = new Watch();
    expect([watch.event("backup_failed"), watch.event("backup_failed")]).toEqual([undefined, "cooldown"]);
    expect([watch.event("backup_success"), watch.event("backup_success")]).toEqual([undefined, undefined]);
    watch.state = silence(watch.state, { until: watch.now + 30 * MINUTE, by: "a person" });
    expect(watch.event("test_alert")).toBe("silence");
    watch.looks(13);
    expect(watch.event("backup_failed")).toBeUndefined();
    expect(watch.heard).toEqual([
      "event backup_failed",
      "event backup_success",
      "event backup_success",
      "event backup_failed",
    ]);
  });

  it("are told anew after their cooldown was cleared", () => {
    const watch = new Watch().looks(2, "disk_space_low").looks(3, "disk_space_low");
    watch.state = clear(watch.state, "disk_space_low");
    expect(watch.look("disk_space_low").heard).toEqual(["alert disk_space_low", "reminder disk_space_low"]);
    expect(clear(watch.state, "never_heard_of")).toBe(watch.state);
  });
});

const TYPES = ["a", "b", "c"];
/** What one look finds, and whether messages get through then. */
const looks = fc.array(fc.record({ types: fc.subarray(TYPES), isUp: fc.boolean() }), { maxLength: 200 });

describe("whatever is found, and whoever can be told", () => {
  const played = (course: { types: string[]; isUp: boolean }[]) => {
    const watch = new Watch();
    const times: { line: string; at: number }[] = [];
    for (const { types, isUp } of course) {
      watch.isUp = isUp;
      const before = watch.heard.length;
      watch.look(...types);
      for (const line of watch.heard.slice(before)) times.push({ line, at: watch.now });
    }
    return { watch, times };
  };
  const linesOf = (lines: readonly string[], type: string) =>
    lines.filter((line) => line.split(" ")[1]?.split(",").includes(type)).map((line) => line.split(" ")[0]);

  it("a recovery follows an alert, and never another recovery", () => {
    fc.assert(
      fc.property(looks, (course) => {
        const { watch } = played(course);
        for (const type of TYPES) {
          const kinds = linesOf(watch.heard, type).filter((kind) => kind !== "reminder");
          for (const [index, kind] of kinds.entries())
            expect(kind).toBe(index % 2 === 0 ? "alert" : "recovery");
        }
      }),
    );
  });

  it("nothing that opened and lasted beyond its cooldown stays untold once messages get through", () => {
    fc.assert(
      fc.property(looks, fc.constantFrom(...TYPES), (course, type) => {
        const { watch } = played(course);
        watch.isUp = true;
        watch.send().looks(2 + 12, type);
        expect(linesOf(watch.heard, type).findLast((kind) => kind !== "reminder")).toBe("alert");
        watch.looks(2);
        expect(linesOf(watch.heard, type).at(-1)).toBe("recovery");
        expect(watch.state.queue).toEqual([]);
      }),
    );
  });

  it("while messages get through, no type is told twice in a cooldown", () => {
    fc.assert(
      fc.property(looks, (course) => {
        const { times } = played(course.map(({ types }) => ({ types, isUp: true })));
        for (const type of TYPES) {
          const alerts = times.filter(
            ({ line }) => !line.startsWith("recovery") && line.split(" ")[1]?.split(",").includes(type),
          );
          for (const [index, { at }] of alerts.entries()) {
            const next = alerts[index + 1];
            if (next !== undefined) expect(next.at - at).toBeGreaterThanOrEqual(HOUR);
          }
        }
      }),
    );
  });
});
