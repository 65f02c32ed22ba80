import { access, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";

export const PLUGIN_NAMES = ["docker", "command", "random"] as const;
export type PluginName = (typeof PLUGIN_NAMES)[number];

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
  const version = await pluginVersion(checkout, name);
  const directory = path.join(pulumiHome, "plugins", `resource-${name}-v${version}`);
  const binary = path.join(directory, `pulumi-resource-${name}`);
  const marker = path.join(directory, MARKER);
  if ((await exists(binary)) && !(await exists(marker)) && !(await exists(partial(directory)))) {
    return { name, version, directory, way: "official", changed: false };
  }
  const main = path.join(checkout, "toolchain", "plugins", name, "main.ts");
  const wrapper = `#!/bin/sh\nexec ${quoted(node)} ${quoted(main)} "$@"\n`;
  const notice =
    `Stand-in for the official Pulumi plugin ${name} ${version}, run from ${main}.\n` +
    `For the official plugin remove this directory, then: pulumi plugin install resource ${name} ${version}\n`;
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

/** The version of the plugin that an npm package of the checkout needs. */
export async function pluginVersion(checkout: string, name: PluginName): Promise<string> {
  const file = path.join(checkout, "node_modules", "@pulumi", name, "package.json");
  const content: { version: string; pulumi?: { version?: string } } = JSON.parse(
    await readFile(file, "utf8"),
  );
  return (content.pulumi?.version ?? content.version).replace(/^v/, "");
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

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
