import { describe, expect, it } from "vitest";
import { run } from "../../../toolchain/run.ts";

const shell = (script: string, registry?: "Go" | "npm" | "Debian") =>
  run("sh", ["-c", script], registry === undefined ? {} : { registry });

describe("a command that is run", () => {
  it("gives what it printed, line by line while it works", async () => {
    const lines: string[] = [];
    const printed = await run("sh", ["-c", "echo one; echo two >&2"], { onLine: (line) => lines.push(line) });
    expect(printed).toBe("one");
    expect(lines.sort()).toEqual(["one", "two"]);
  });

  it("gives lines that end where a terminal ends them, and nowhere else", async () => {
    const lines: string[] = [];
    await run("printf", ["one\u2028still one\ntwo"], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["one\u2028still one", "two"]);
  });

  it("that fails shows the last lines that it printed", async () => {
    await expect(shell("seq 100; echo broken >&2; exit 3")).rejects.toThrow(/100\nbroken$/);
    await expect(shell("seq 100; exit 3")).rejects.not.toThrow(/\n50\n/);
  });

  it("that is not installed is an error that names it", async () => {
    await expect(run("no-such-command", [])).rejects.toThrow(/no-such-command/);
  });

  it.each([
    ["Go", "dial tcp: lookup modules.example: no such host", "GOPROXY"],
    ["Go", "Get https://modules.example/: dial tcp 1.2.3.4:443: i/o timeout", "GOPROXY"],
    ["Debian", "E: Failed to fetch  Could not resolve 'debian.example'", "MEM0_DEBIAN_MIRROR"],
    ["Debian", "W: Failed to fetch  Temporary failure resolving 'debian.example'", "MEM0_DEBIAN_MIRROR"],
    ["npm", "npm error code ENOTFOUND", "npm ping"],
  ] as const)(
    "and finds no %s registry says so, and how to name another",
    async (registry, message, mend) => {
      const failing = run("sh", ["-c", `echo "${message}" >&2; exit 1`], { registry });
      await expect(failing).rejects.toMatchObject({
        message: expect.stringContaining(`the ${registry} registry does not answer`),
        mend: expect.stringContaining(mend),
      });
    },
  );

  it("and fails for another reason does not blame the registry", async () => {
    await expect(shell("echo 'undefined: fmt.Printn' >&2; exit 1", "Go")).rejects.toThrow(/^sh failed/);
  });
});
