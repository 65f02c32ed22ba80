import { execFileSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Machine } from "../../../ops/stack/machine-file.ts";
import { environment, exportLines, shellQuote } from "../../../toolchain/environment.ts";
import { exampleHost } from "../../harness/support/example-settings.ts";

const machine: Machine = {
  ...exampleHost,
  stateHome: "/home/ann/.mem0-host",
  tools: {
    ...exampleHost.tools,
    plugins: {
      docker: { version: "5.2.0", way: "official" },
      random: { version: "4.21.2", way: "official" },
    },
  },
};

describe("the environment", () => {
  it("names the tools, backend, passphrase and engine of this machine", () => {
    expect(environment("/src/mem0", machine, "/usr/bin:/bin")).toEqual({
      PATH: "/src/mem0/.toolchain/bin:/usr/bin:/bin",
      MEM0_HOME: "/home/ann/.mem0-host",
      DOCKER_HOST: "unix:///var/run/docker.sock",
      PULUMI_HOME: "/src/mem0/.toolchain/pulumi-home",
      PULUMI_BACKEND_URL: "file:///home/ann/.mem0-host/pulumi",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/home/ann/.mem0-host/passphrase",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // It would compare with no checksum what it fetches by itself.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });
  });

  it("puts the tools first on PATH, once, however often it is taken", () => {
    const once = environment("/src", machine, "/bin").PATH ?? "";
    expect(environment("/src", machine, once).PATH).toBe(once);
  });

  it("on a Mac also names where Docker's command line is, which launchd's PATH does not", () => {
    const mac: Machine = { ...machine, platform: "darwin" };
    const once = environment("/src", mac, "/usr/bin:/opt/homebrew/bin").PATH ?? "";
    const inHome = (vendor: string) => path.join(os.homedir(), vendor, "bin");
    expect(once.split(":")).toEqual([
      "/src/.toolchain/bin",
      "/usr/bin",
      "/opt/homebrew/bin",
      inHome(".docker"),
      inHome(".orbstack"),
      "/usr/local/bin",
    ]);
    expect(environment("/src", mac, once).PATH).toBe(once);
  });

  it("has no empty entry in PATH, which would mean the current directory", () => {
    expect(environment("/src", machine, "").PATH).toBe("/src/.toolchain/bin");
  });
});

describe("a quoted word", () => {
  it("comes out of a shell as it went in", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 }).filter((word) => !word.includes("\0"));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellQuote).join(" ")}`;
        const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" });
        expect(printed.split("\0").slice(0, -1)).toEqual(words);
      }),
      { numRuns: 40 },
    );
  });
});

describe("the export lines", () => {
  const evaluate = (lines: string[], show: string, env: Record<string, string>) =>
    execFileSync("sh", ["-c", `set -eu\n${lines.join("\n")}\n${show}`], {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", ...env },
    });

  it("set in a shell what the environment says, for any paths", () => {
    const directory = fc
      .stringMatching(/^[ -~]{1,30}$/)
      .filter((name) => !name.includes("/") && !name.includes(":"))
      .map((name) => `/${name}`);
    fc.assert(
      fc.property(directory, directory, (checkout, stateHome) => {
        const here = { ...machine, stateHome };
        const printed = evaluate(exportLines(checkout, here), "env -0", {});
        const set = Object.fromEntries(
          printed.split("\0").map((line) => [line.split("=")[0], line.replace(/^[^=]*=/, "")]),
        );
        expect(set).toMatchObject(environment(checkout, here, "/usr/bin:/bin"));
      }),
      { numRuns: 30 },
    );
  });

  it("leave PATH alone the second time", () => {
    const lines = exportLines("/src/a b", machine);
    expect(evaluate([...lines, ...lines], 'printf %s "$PATH"', {})).toBe(
      "/src/a b/.toolchain/bin:/usr/bin:/bin",
    );
  });

  it("take away a passphrase in the environment, which would win over the file", () => {
    const shown = evaluate(exportLines("/src", machine), "env | grep -c PULUMI_CONFIG_PASSPHRASE= || true", {
      PULUMI_CONFIG_PASSPHRASE: "",
    });
    expect(shown.trim()).toBe("0");
  });
});
