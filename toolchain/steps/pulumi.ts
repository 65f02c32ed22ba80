import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { Problem } from "../../ops/base/problem.ts";
import type { Way } from "../../ops/stack/machine-file.ts";
import { fetchArchive } from "../archive.ts";
import { pinnedChecksum } from "../checksums.ts";
import { buildWithGo, findGo, type GoBuild } from "../go.ts";
import { buildInContainer } from "../go-container.ts";
import { toolchainLayout } from "../layout.ts";
import { linkTarget, pointLink } from "../links.ts";
import { parseVersion, pulumiVersion } from "../versions.ts";
import { getByWay } from "../ways.ts";
import { type Host, type Part, type Report, SETUP, type Step } from "./step.ts";

const NAME = "Pulumi CLI";

/** What must be on PATH: the CLI, and the host that runs the program. */
const TOOLS = ["pulumi", "pulumi-language-nodejs"] as const;

/** Name of the real language host where a wrapper has its own name. */
const WRAPPED_HOST = "nodejs-language-host";

/**
 * The last language host that a Go module holds does not read `options.typescript` of Pulumi.yaml, and would load
 * ts-node. The engine starts it by this name.
 */
const WRAPPER = `#!/bin/sh
self=$(readlink -f -- "$0")
exec "$(dirname -- "$self")/${WRAPPED_HOST}" -typescript=false "$@"
`;

/** The CLI and the language host, each version and way in a directory of its own: the links tell which is in use. */
export const pulumi: Step = {
  name: NAME,

  async inspect({ checkout }): Promise<Part> {
    const needed = pulumiVersion(checkout);
    const { bin } = toolchainLayout(checkout);
    const installed = readInstalled(checkout);
    if (installed === undefined)
      return { name: NAME, state: "missing", detail: `${needed} is not installed`, mend: SETUP };
    const { way } = installed;
    const gone = [...TOOLS, ...(way === "registries" ? [WRAPPED_HOST] : [])].find(
      (tool) => !existsSync(path.join(installed.directory, tool)),
    );
    if (gone !== undefined) {
      return {
        name: NAME,
        state: "wrong",
        way,
        detail: `${path.join(installed.directory, gone)} is not there`,
        mend: SETUP,
      };
    }
    const version = await askVersion(path.join(bin, "pulumi"));
    if (version === needed) return { name: NAME, state: "there", version, way, detail: installed.directory };
    const detail =
      version === undefined ? "it does not run" : `is ${version}; package.json asks for ${needed}`;
    return { name: NAME, state: "wrong", way, detail, mend: SETUP };
  },

  async ensure(host, report): Promise<void> {
    await getByWay(host.way, host.vendors.pulumi, report, {
      official: () => install(host, "official", (directory) => fetchOfficial(host, directory, report)),
      registries: () => install(host, "registries", (directory) => build(host, directory, report)),
    });
  },
};

/** Address of the vendor's archive for this machine. */
export function officialArchive(version: string, platform: NodeJS.Platform, arch: string): string {
  return `https://get.pulumi.com/releases/sdk/pulumi-v${version}-${platform}-${arch === "arm64" ? "arm64" : "x64"}.tar.gz`;
}

async function fetchOfficial({ checkout, platform }: Host, directory: string, report: Report): Promise<void> {
  const url = officialArchive(pulumiVersion(checkout), platform, process.arch);
  await fetchArchive(url, pinnedChecksum(checkout, path.basename(url)), directory, report);
}

async function build(host: Host, directory: string, report: Report): Promise<void> {
  const modules = path.join(host.checkout, "toolchain");
  const builds: GoBuild[] = [
    {
      module: path.join(modules, "pulumi-cli"),
      command: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      variables: {
        "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${pulumiVersion(host.checkout)}`,
      },
      output: path.join(directory, "pulumi"),
    },
    {
      module: path.join(modules, "language-host"),
      command: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      output: path.join(directory, WRAPPED_HOST),
    },
  ];
  const go = await findGo(host.env);
  for (const one of builds) {
    const name = path.basename(one.command);
    report(`building ${name} from Go modules; the first time takes minutes`);
    const tell = (line: string) => report(`${name}: ${line}`);
    await (go === undefined ? buildInContainer(host, one, tell) : buildWithGo(go, one, tell));
  }
  const wrapper = path.join(directory, "pulumi-language-nodejs");
  writeFileSync(wrapper, WRAPPER);
  chmodSync(wrapper, 0o755);
}

/** Fills a directory with `fill`, sees that it works, and only then puts it in its place and in use. */
async function install(
  { checkout }: Host,
  way: Exclude<Way, "found">,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const { bin, root, work } = toolchainLayout(checkout);
  const needed = pulumiVersion(checkout);
  mkdirSync(work, { recursive: true });
  const draft = mkdtempSync(path.join(work, "pulumi-"));
  try {
    await fill(draft);
    const version = await askVersion(path.join(draft, "pulumi"));
    if (version !== needed) {
      throw new Problem(
        `the Pulumi CLI that was got (${way}) is ${version ?? "not to be run here"}, not ${needed}`,
        {
          mend: `${SETUP} --way ${way === "official" ? "registries" : "official"}`,
        },
      );
    }
    const place = path.join(root, directoryName(needed, way));
    rmSync(place, { recursive: true, force: true });
    renameSync(draft, place);
    chmodSync(place, 0o755);
    for (const tool of TOOLS) pointLink(path.join(bin, tool), path.join("..", path.basename(place), tool));
    removeOthers(root, path.basename(place));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const directoryName = (version: string, way: Way) => `pulumi-${version}-${way}`;

/** Which directory the links point into. */
function readInstalled(checkout: string): { directory: string; way: Way } | undefined {
  const { bin } = toolchainLayout(checkout);
  const targets = TOOLS.map((tool) =>
    path.dirname(path.resolve(bin, linkTarget(path.join(bin, tool)) ?? "")),
  );
  const [directory] = targets;
  if (directory === undefined || targets.some((other) => other !== directory)) return undefined;
  const way = /^pulumi-.+-(official|registries)$/.exec(path.basename(directory))?.[1];
  return way === undefined ? undefined : { directory, way: way as Way };
}

/** Version that the binary tells of itself, without a leading v; nothing when it does not run. */
async function askVersion(binary: string): Promise<string | undefined> {
  const { stdout, failed } = await execa(binary, ["version"], {
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    reject: false,
    timeout: 20_000,
  });
  return failed ? undefined : parseVersion(stdout);
}

function removeOthers(root: string, kept: string): void {
  for (const name of readdirSync(root)) {
    if (name !== kept && /^pulumi-.+-(official|registries)$/.test(name)) {
      rmSync(path.join(root, name), { recursive: true, force: true });
    }
  }
}
