import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crontabLine, findLine, withLine } from "../../../../../ops/schedules/units/crontab.ts";

/** Crontabs of others: any bytes, in lines, none of which is a marker of ours. */
const foreign = fc
  .array(
    fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("\n", " ")),
  )
  .map((lines) => lines.map((line) => `${line}\n`).join(""))
  .filter((text) => !text.includes("mem0"));
const jobs = fc.constantFrom("backup", "hourly", "verify");
const lineOf = (job: string, when = "30 2 * * *") =>
  crontabLine({ stack: "prd", job, title: "", when, command: ["/n/node", "/p/job.ts", job], output: "/o" });

describe("a stack's lines in a crontab", () => {
  it("come and go in any order, and every other byte stays as it is", () => {
    const edits = fc.array(fc.tuple(jobs, fc.constantFrom("30 2 * * *", "5 * * * *", undefined)), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(foreign, foreign, edits, (before, after, changes) => {
        // Somebody adds lines below the block, and above it.
        let crontab = withLine(before, "prd", "drill", lineOf("drill")) + after;
        const wanted = new Map<string, string>();
        for (const [job, when] of changes) {
          const line = when === undefined ? undefined : lineOf(job, when);
          crontab = withLine(crontab, "prd", job, line);
          expect(withLine(crontab, "prd", job, line)).toBe(crontab);
          if (line === undefined) wanted.delete(job);
          else wanted.set(job, line);
        }
        for (const job of ["backup", "hourly", "verify"]) {
          expect(findLine(crontab, "prd", job)).toBe(wanted.get(job));
        }
        expect(crontab.startsWith(before)).toBe(true);
        expect(crontab.endsWith(after)).toBe(true);
        for (const job of ["drill", ...wanted.keys()]) crontab = withLine(crontab, "prd", job, undefined);
        expect(crontab).toBe(before + after);
      }),
      { numRuns: 200 },
    );
  });

  it("of two stacks stand apart", () => {
    const both = withLine(
      withLine("", "prd", "backup", lineOf("backup")),
      "prdtwo",
      "backup",
      lineOf("backup", "1 1 * * *"),
    );
    expect(findLine(both, "prd", "backup")).toContain("30 2");
    expect(findLine(both, "prdtwo", "backup")).toContain("1 1");
    expect(findLine(withLine(both, "prd", "backup", undefined), "prdtwo", "backup")).toContain("1 1");
  });

  it("end the last line of others, which cron refuses without an end", () => {
    expect(withLine("0 1 * * * mine", "prd", "backup", lineOf("backup"))).toMatch(
      /^0 1 \* \* \* mine\n# BEGIN mem0 prd /,
    );
  });

  it.each(["begin", "end", "both in the wrong order", "twice"])(
    "are left alone where a marker is missing: %s",
    (how) => {
      const whole = withLine("0 1 * * * mine\n", "prd", "backup", lineOf("backup"));
      const lines = whole.split("\n");
      const isBegin = (line: string) => line.startsWith("# BEGIN");
      const isEnd = (line: string) => line.startsWith("# END");
      const broken = {
        begin: lines.filter((line) => !isBegin(line)).join("\n"),
        end: lines.filter((line) => !isEnd(line)).join("\n"),
        "both in the wrong order": [...lines].reverse().join("\n"),
        twice: whole + whole,
      }[how];
      expect(() => withLine(broken ?? "", "prd", "verify", lineOf("verify"))).toThrow(
        /nobody can tell which lines/,
      );
      expect(() => withLine(broken ?? "", "prd", "verify", undefined)).toThrow(/nobody can tell which lines/);
    },
  );

  it("keep what cron and the shell would take for something else", () => {
    const command = ["/home/it's me/100%/node", "/p/$HOME/job.ts", "backup"];
    expect(
      crontabLine({ stack: "prd", job: "backup", title: "", when: " 30  2 * * * ", command, output: "/o" }),
    ).toBe(
      "30 2 * * * MALLOC_ARENA_MAX=2 '/home/it'\\''s me/100\\%/node' '/p/$HOME/job.ts' backup >> /o 2>&1 # mem0 backup",
    );
  });
});
