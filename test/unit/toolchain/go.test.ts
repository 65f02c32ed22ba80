import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countPackages, findGo, linkerFlags } from "../../../toolchain/go.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "mem0-go-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A directory for PATH with a `go` that tells this version. */
function withGo(version: string): string {
  const bin = path.join(directory, version);
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, "go"), `#!/bin/sh\necho ${version}\n`);
  chmodSync(path.join(bin, "go"), 0o755);
  return bin;
}

describe("Go", () => {
  it("that cannot fetch a newer Go by itself is passed over", async () => {
    const PATH = [withGo("go1.19.8"), withGo("go1.25.3")].join(path.delimiter);
    expect(await findGo({ PATH })).toBe(path.join(directory, "go1.25.3", "go"));
  });

  it("that is the first new enough on PATH is taken", async () => {
    const PATH = ["", withGo("go1.21.0"), withGo("go1.26.0")].join(path.delimiter);
    expect(await findGo({ PATH })).toBe(path.join(directory, "go1.21.0", "go"));
  });
});

describe("a Go program", () => {
  it("is linked small, with its version in it", () => {
    const build = {
      module: "m",
      command: "c",
      output: "o",
      variables: { "example/version.Version": "v1.2.3" },
    };
    expect(linkerFlags(build)).toBe("-s -w -X example/version.Version=v1.2.3");
  });

  it("tells every fifty packages how far its build is, whatever else is printed", () => {
    const told: string[] = [];
    const onLine = countPackages((line) => told.push(line));
    for (let n = 0; n < 100; n++) {
      onLine(`github.com/pulumi/pulumi/pkg/v3/part${n}`);
      onLine("Setting up golang-go (2:1.24~2) ...");
    }
    expect(told).toEqual(["50 packages fetched or compiled", "100 packages fetched or compiled"]);
  });
});
