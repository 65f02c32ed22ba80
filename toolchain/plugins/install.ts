import { access, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { shellQuote } from "../environment.ts";

export const PLUGIN_NAMES = ["docker", "command", "random", "grafana"] as const;
export type PluginName = (typeof PLUGIN_NAMES)[number];

/** Who publishes the npm packages of plugins that are not Pulumi's own. */
const PUBLISHERS: Partial<Record<PluginName, string>> = { grafana: "@pulumiverse" };

export interface InstallRequest {
  /** Absolute path of the checkout; the installed wrappers run its files. */
  checkout: string;
  /** PULUMI_HOME. */
  pulumiHome: string;
  /** Absolute path of the node that runs the plugins. */
  node: string;
  names: readonly PluginName[];
}

export interface Installed {
  name: PluginName;
  version: string;
  /** Where Pulumi finds the plugin. */
  directory: string;
  /** `official`: the plugin was there already, and was left alone. */
  way: "official" | "stand-in";
  /** Whether something was written. */
  changed: boolean;
}

/** The file that tells a stand-in from an official plugin. */
export const MARKER = "STAND_IN";

/**
 * Installs stand-ins for official plugins that are not there, in exactly the versions that the npm packages of the
 * checkout ask for. Done again, it changes nothing; cut off at any point, it is done again.
 */
export async function installStandIns(request: InstallRequest): Promise<Installed[]> {
  return Promise.all(request.names.map((name) => installStandIn(name, request)));
}

async function installStandIn(
  name: PluginName,
  { checkout, pulumiHome, node }: InstallRequest,
): Promise<Installed> {
  const { version, installArguments } = await wantedPlugin(checkout, name);
  const directory = path.join(pulumiHome, "plugins", `resource-${name}-v${version}`);
  const binary = path.join(directory, `pulumi-resource-${name}`);
  const marker = path.join(directory, MARKER);
  if ((await exists(binary)) && !(await exists(marker)) && !(await exists(partial(directory)))) {
    return { name, version, directory, way: "official", changed: false };
  }
  const main = path.join(checkout, "toolchain", "plugins", name, "main.ts");
  const wrapper = `#!/bin/sh\nexec ${shellQuote(node)} ${shellQuote(main)} "$@"\n`;
  const notice =
    `Stand-in for the official Pulumi plugin ${name} ${version}, run from ${main}.\n` +
    `For the official plugin remove this directory, then: pulumi ${installArguments.join(" ")}\n`;
  if ((await contentOf(binary)) === wrapper && (await contentOf(marker)) === notice) {
    return { name, version, directory, way: "stand-in", changed: false };
  }
  await mkdir(directory, { recursive: true });
  // The marker comes first: nothing of ours may ever look like an official plugin.
  await writeFileAtomic(marker, notice, { mode: 0o644 });
  await writeFileAtomic(binary, wrapper, { mode: 0o755 });
  // An official download that was cut off; as long as its note is there, Pulumi does not look into the directory.
  await rm(partial(directory), { force: true });
  return { name, version, directory, way: "stand-in", changed: true };
}

export interface WantedPlugin {
  version: string;
  /** What the Pulumi CLI takes to install the official plugin. */
  installArguments: string[];
}

/** The plugin that an npm package of the checkout needs. */
export async function wantedPlugin(checkout: string, name: PluginName): Promise<WantedPlugin> {
  const file = path.join(checkout, "node_modules", PUBLISHERS[name] ?? "@pulumi", name, "package.json");
  const content: { version: string; pulumi?: { version?: string; server?: string } } = JSON.parse(
    await readFile(file, "utf8"),
  );
  const version = (content.pulumi?.version ?? content.version).replace(/^v/, "");
  const server = content.pulumi?.server;
  return {
    version,
    installArguments: [
      ...["plugin", "install", "resource", name, version],
      ...(server === undefined ? [] : ["--server", server]),
    ],
  };
}

function partial(directory: string): string {
  return `${directory}.partial`;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
