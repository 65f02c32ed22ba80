import os from "node:os";
import path from "node:path";
import type { Machine } from "../ops/stack/machine-file.ts";
import { stateLayout, toolchainLayout } from "./layout.ts";

/** Variables that would win over what `environment` sets; nothing that runs Pulumi here may see them. */
export const OVERRIDING = ["PULUMI_CONFIG_PASSPHRASE"] as const;

/**
 * What Pulumi and its program need to know of this machine: the tools of this checkout first on PATH, the backend,
 * the passphrase, the Docker engine.
 *
 * @param searchPath the PATH that the tools are put before
 */
export function environment(
  checkout: string,
  machine: Machine,
  searchPath: string = process.env.PATH ?? "",
): Record<string, string> {
  const { bin } = toolchainLayout(checkout);
  const rest = searchPath.split(path.delimiter).filter((directory) => directory !== bin && directory !== "");
  const all = new Set([bin, ...rest, ...dockerCommandPlaces(machine.platform, os.homedir())]);
  return { PATH: [...all].join(path.delimiter), ...variables(checkout, machine) };
}

/**
 * Where the vendors put Docker's command line on a Mac. Jobs of launchd have none of these on PATH, and the program's
 * commands for networks and for an external Prometheus use it.
 */
function dockerCommandPlaces(platform: Machine["platform"], home: string): string[] {
  if (platform !== "darwin") return [];
  const inHome = [".docker", ".orbstack"].map((vendor) => path.join(home, vendor, "bin"));
  return [...inHome, "/opt/homebrew/bin", "/usr/local/bin"];
}

/**
 * Lines for a POSIX shell that set the same environment in it: `eval "$(./mem0 env)"`. PATH is extended rather than
 * set, so it stays the shell's own.
 */
export function exportLines(checkout: string, machine: Machine): string[] {
  const { bin } = toolchainLayout(checkout);
  return [
    `case ":$PATH:" in *:${shellQuote(bin)}:*) ;; *) export PATH=${shellQuote(bin)}:"$PATH" ;; esac`,
    ...Object.entries(variables(checkout, machine)).map(
      ([name, value]) => `export ${name}=${shellQuote(value)}`,
    ),
    ...OVERRIDING.map((name) => `unset ${name}`),
  ];
}

function variables(checkout: string, machine: Machine): Record<string, string> {
  const { backend, passphrase } = stateLayout(machine.stateHome);
  return {
    MEM0_HOME: machine.stateHome,
    DOCKER_HOST: machine.docker.host,
    PULUMI_HOME: toolchainLayout(checkout).pulumiHome,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // What Pulumi fetches by itself is compared with nothing; set-up compares.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** A word that every POSIX shell takes literally. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
