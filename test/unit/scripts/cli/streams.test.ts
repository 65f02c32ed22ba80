import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { needing } from "../../../harness/support/needing.ts";

const entry = path.resolve(import.meta.dirname, "../../../../scripts/mem0.ts");

/** Ends of ./mem0 --help with its output at `stdout`, which is closed unread when it is a pipe. */
function help(stdout: "pipe" | number): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", entry, "--help"], {
    stdio: ["ignore", stdout, "pipe"],
  });
  child.stdout?.destroy();
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
}

describe("output", () => {
  it("that nobody reads ends nothing with an error", async () => {
    expect(await help("pipe")).toEqual({ code: 0, stderr: "" });
  });

  needing("Linux").it("that cannot be written is a failure in words", async () => {
    const { code, stderr } = await help(openSync("/dev/full", "w"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mem0: the output could not be written: .*ENOSPC/);
    expect(stderr.split("\n")).toHaveLength(3);
  });
});
