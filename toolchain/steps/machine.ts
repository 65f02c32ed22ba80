import { readFileSync } from "node:fs";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { Problem } from "../../ops/base/problem.ts";
import { connectDocker } from "../../ops/docker/client.ts";
import { MACHINE_FILE, type Machine, machineSchema } from "../../ops/stack/machine-file.ts";
import { PLUGIN_NAMES } from "../plugins/install.ts";
import { findBaseImage } from "./base-image.ts";
import { locateEngine } from "./docker.ts";
import { node } from "./node.ts";
import { plugin } from "./plugin.ts";
import { pulumi } from "./pulumi.ts";
import { type Host, type Part, SETUP, type Step } from "./step.ts";

const NAME = "machine file";

/** A user that no file of the host belongs to, for containers when root deploys: they must not run as root. */
const UNPRIVILEGED = { uid: 10_001, gid: 10_001 };

/** The file that tells the program what set-up found and chose. */
export const machine: Step = {
  name: NAME,

  async inspect(host): Promise<Part> {
    const file = path.join(host.checkout, MACHINE_FILE);
    const written = readWritten(file);
    if (written === undefined) return { name: NAME, state: "missing", detail: file, mend: SETUP };
    const now = await describeMachine(host);
    const differing = now === undefined ? undefined : firstDifference(written, now);
    if (differing !== undefined) {
      return {
        name: NAME,
        state: "wrong",
        detail: `${file}: ${differing} has changed since set-up`,
        mend: SETUP,
      };
    }
    return { name: NAME, state: "there", detail: file };
  },

  async ensure(host): Promise<void> {
    const described = await describeMachine(host);
    if (described === undefined)
      throw new Problem("parts of this machine are still missing", { mend: "./mem0 doctor" });
    const file = path.join(host.checkout, MACHINE_FILE);
    await writeFileAtomic(file, `${JSON.stringify(described, null, 2)}\n`, { mode: 0o644 });
  },
};

/** What the machine is now; nothing as long as a part that the program needs is missing. */
async function describeMachine(host: Host): Promise<Machine | undefined> {
  const engine = await locateEngine(host);
  if (engine.state !== "there") return undefined;
  const [image, nodeTool, pulumiTool, ...plugins] = await Promise.all([
    findBaseImage(host, connectDocker(engine.host)),
    node.inspect(host).then(asTool),
    pulumi.inspect(host).then(asTool),
    ...PLUGIN_NAMES.map(async (name) => [name, asTool(await plugin(name).inspect(host))] as const),
  ]);
  if (image === undefined) return undefined;
  const parsed = machineSchema.safeParse({
    version: 1,
    platform: host.platform,
    docker: { host: engine.host },
    images: image.way === "official" ? "registry" : "packages",
    baseImage: image.tag,
    runAs: host.user.uid === 0 ? UNPRIVILEGED : { uid: host.user.uid, gid: host.user.gid },
    stateHome: host.stateHome,
    tools: { node: nodeTool, pulumi: pulumiTool, plugins: Object.fromEntries(plugins) },
  });
  return parsed.data;
}

function asTool({ state, version, way }: Part): Machine["tools"]["node"] | undefined {
  return state === "there" && version !== undefined && way !== undefined ? { version, way } : undefined;
}

function readWritten(file: string): Machine | undefined {
  try {
    return machineSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Name of the first key whose values differ. */
function firstDifference(written: Machine, now: Machine): string | undefined {
  const keys = Object.keys(now) as (keyof Machine)[];
  return keys.find((key) => JSON.stringify(written[key]) !== JSON.stringify(now[key]));
}
