import { existsSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { run } from "./run.ts";
import type { Report } from "./steps/step.ts";
import { atLeast } from "./versions.ts";

/** The first Go that fetches, as a module, the newer Go that a go.mod asks for (https://go.dev/doc/toolchain). */
const NEEDED = "1.21";

/** One program to build: what to import, from the module that pins it, into which file. */
export interface GoBuild {
  /** Directory of the module, with its go.mod and go.sum. */
  module: string;
  /** Import path of the command. */
  command: string;
  /** Variables to set at link time, by their full names. */
  variables?: Record<string, string>;
  output: string;
}

/** The same whatever the machine: no C compiler, no workspace, only what go.sum knows. */
const GO_ENVIRONMENT = {
  CGO_ENABLED: "0",
  GOFLAGS: "-mod=readonly",
  GOTOOLCHAIN: "auto",
  GOWORK: "off",
} as const;

/** No symbol tables and no debugging data, and the variables that are set at link time. */
export function linkerFlags({ variables = {} }: GoBuild): string {
  return ["-s", "-w", ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(" ");
}

/** A Go on PATH or in one of the places where its installers put it; nothing when none is new enough. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const onPath = (env.PATH ?? "").split(path.delimiter).filter((directory) => directory !== "");
  for (const directory of new Set([...onPath, "/usr/local/go/bin", "/opt/homebrew/bin", "/usr/local/bin"])) {
    const go = path.join(directory, "go");
    if (!existsSync(go)) continue;
    const { stdout, failed } = await execa(go, ["env", "GOVERSION"], {
      env: { GOTOOLCHAIN: "local" },
      reject: false,
    });
    if (!failed && atLeast(stdout, NEEDED)) return go;
  }
  return undefined;
}

/** Tells how far a build is from the lines that `go build -v` prints, one for each package. */
export function countPackages(report: Report): (line: string) => void {
  let packages = 0;
  return (line) => {
    if (!/^(go: downloading .+|\S+)$/.test(line)) return;
    packages += 1;
    if (packages % 50 === 0) report(`${packages} packages fetched or compiled`);
  };
}

/** Builds with a Go of this machine; what an earlier run compiled is taken from Go's own cache. */
export async function buildWithGo(go: string, build: GoBuild, report: Report): Promise<void> {
  const args = ["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(build)];
  await run(go, [...args, "-o", build.output, build.command], {
    cwd: build.module,
    env: { ...GO_ENVIRONMENT },
    registry: "Go",
    onLine: countPackages(report),
  });
}
