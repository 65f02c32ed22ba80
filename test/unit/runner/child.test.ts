import os from "node:os";
import { describe, expect, it } from "vitest";
import { waitFor } from "../../harness/support/eventually.ts";
import { type ChildOptions, runChild } from "../../runner/child.ts";

function options(other: Partial<ChildOptions> = {}): ChildOptions & { lines: string[] } {
  const lines: string[] = [];
  return {
    cwd: os.tmpdir(),
    label: "lane",
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    ...other,
    lines,
  };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a program in a lane", () => {
  it("says its lines under its name, errors among them", async () => {
    const given = options();
    expect(await runChild("sh", ["-c", "echo one; echo two >&2"], given)).toBe(true);
    expect(given.lines.toSorted()).toEqual(["lane | one", "lane | two"]);
  });

  it("that ends with another code than 0, or is not there, has failed", async () => {
    expect(await runChild("sh", ["-c", "exit 3"], options())).toBe(false);
    const given = options();
    expect(await runChild("no-such-program-anywhere", [], given)).toBe(false);
    expect(given.lines.join()).toContain("no-such-program-anywhere");
  });

  it("may take down what it set up when it is interrupted, and leaves no process behind", async () => {
    const stop = new AbortController();
    const given = options({ signal: stop.signal });
    // The one that it starts does not care about an interrupt, as a background process of a shell does not.
    const script = "trap 'echo taken down; exit 1' INT; sleep 600 & echo $!; wait";
    const running = runChild("sh", ["-c", script], given);
    await waitFor("the program to say its first line", async () => given.lines.length > 0);
    const pid = Number(given.lines[0]?.replace("lane | ", ""));
    expect(isAlive(pid)).toBe(true);
    stop.abort();
    expect(await running).toBe(false);
    expect(given.lines).toContain("lane | taken down");
    await waitFor("its background process to be gone", async () => !isAlive(pid));
  });

  it("is not begun when the run was interrupted before", async () => {
    expect(await runChild("sh", ["-c", "echo begun"], options({ signal: AbortSignal.abort() }))).toBe(false);
  });
});
