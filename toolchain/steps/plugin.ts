import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { pinnedChecksum } from "../checksums.ts";
import { toolchainLayout } from "../layout.ts";
import { installStandIns, MARKER, type PluginName, wantedPlugin } from "../plugins/install.ts";
import { run } from "../run.ts";
import { getByWay } from "../ways.ts";
import { type Host, type Part, SETUP, type Step } from "./step.ts";

/** The vendor's site is asked first whether it answers; a download of 40 MB that takes longer than this has failed. */
const INSTALL_MS = 300_000;

/** The provider plugin `name`, in the version that its npm package asks for. */
export function plugin(name: PluginName): Step {
  return {
    name: rowName(name),

    async inspect({ checkout }): Promise<Part> {
      const row = { name: rowName(name) };
      const { version } = await wantedPlugin(checkout, name);
      const { directory, binary } = place(checkout, name, version);
      if (!existsSync(binary) || existsSync(`${directory}.partial`)) {
        return { ...row, state: "missing", detail: `${version} is not installed`, mend: SETUP };
      }
      if (!existsSync(path.join(directory, MARKER))) {
        return { ...row, state: "there", version, way: "official", detail: directory };
      }
      const main = path.join(checkout, "toolchain", "plugins", name, "main.ts");
      if (!existsSync(main) || !readFileSync(binary, "utf8").includes(main)) {
        return {
          ...row,
          state: "wrong",
          version,
          way: "registries",
          detail: "runs from another checkout",
          mend: SETUP,
        };
      }
      return { ...row, state: "there", version, way: "registries", detail: `stand-in: ${main}` };
    },

    async ensure(host, report): Promise<void> {
      await getByWay(host.way, host.vendors.pulumi, report, {
        official: () => installOfficial(host, name),
        registries: () => installStandIn(host, name),
      });
    },
  };
}

const rowName = (name: PluginName) => `plugin ${name}`;

function place(checkout: string, name: PluginName, version: string): { directory: string; binary: string } {
  const { pulumiHome } = toolchainLayout(checkout);
  const directory = path.join(pulumiHome, "plugins", `resource-${name}-v${version}`);
  return { directory, binary: path.join(directory, `pulumi-resource-${name}`) };
}

/** Name of the archive that the Pulumi CLI fetches for this machine. */
export function pluginArchive(
  name: PluginName,
  version: string,
  platform: NodeJS.Platform,
  arch: string,
): string {
  return `pulumi-resource-${name}-v${version}-${platform}-${arch === "arm64" ? "arm64" : "amd64"}.tar.gz`;
}

/** Pulumi looks only whether the directory is there: a stand-in steps aside, and comes back when this fails. */
async function installOfficial({ checkout, platform }: Host, name: PluginName): Promise<void> {
  const { bin, pulumiHome, work } = toolchainLayout(checkout);
  const { version, installArguments } = await wantedPlugin(checkout, name);
  const checksum = pinnedChecksum(checkout, pluginArchive(name, version, platform, process.arch));
  const { directory } = place(checkout, name, version);
  const aside = path.join(work, path.basename(directory));
  if (existsSync(path.join(directory, MARKER))) {
    mkdirSync(work, { recursive: true });
    renameSync(directory, aside);
  }
  try {
    await run(path.join(bin, "pulumi"), [...installArguments, "--checksum", checksum], {
      env: { PULUMI_HOME: pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeoutMs: INSTALL_MS,
    });
  } catch (error) {
    if (existsSync(aside)) {
      rmSync(directory, { recursive: true, force: true });
      renameSync(aside, directory);
    }
    throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}

async function installStandIn({ checkout }: Host, name: PluginName): Promise<void> {
  const { bin, pulumiHome } = toolchainLayout(checkout);
  await installStandIns({ checkout, pulumiHome, node: path.join(bin, "node"), names: [name] });
}
