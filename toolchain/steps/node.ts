import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { Problem } from "../../ops/base/problem.ts";
import { toolchainLayout } from "../layout.ts";
import { linkTarget, pointLink } from "../links.ts";
import { atLeast } from "../versions.ts";
import { type Host, type Part, SETUP, type Step } from "./step.ts";

/** First Node that runs TypeScript programs as they are; package.json's `engines` says the same. */
const NEEDED = "22.18";

/** Node, npm and npx of this checkout: those that `./mem0` found or fetched, under one fixed path. */
export const node: Step = {
  name: "Node",

  async inspect({ checkout }): Promise<Part> {
    const { bin, root } = toolchainLayout(checkout);
    const missing = ["node", "npm", "npx"].find((tool) => !existsSync(path.join(bin, tool)));
    if (missing !== undefined) {
      return {
        name: "Node",
        state: "missing",
        detail: `${path.join(bin, missing)} is not there`,
        mend: SETUP,
      };
    }
    const target = linkTarget(path.join(bin, "node")) ?? "";
    if (lastingPath(target) !== target) {
      const detail = `${target} goes with the next brew upgrade`;
      return { name: "Node", state: "wrong", detail, mend: SETUP };
    }
    const real = realpathSync(path.join(bin, "node"));
    const { stdout, failed } = await execa(real, ["--version"], { reject: false });
    const version = stdout?.replace(/^v/, "");
    if (failed || !atLeast(version ?? "", NEEDED)) {
      return { name: "Node", state: "wrong", detail: `${real} is not Node ${NEEDED} or newer`, mend: SETUP };
    }
    const way = real.startsWith(`${realpathSync(root)}${path.sep}`) ? "registries" : "found";
    return { name: "Node", state: "there", version, way, detail: real };
  },

  async ensure({ checkout, env }: Host): Promise<void> {
    const { bin } = toolchainLayout(checkout);
    // The Node that runs this was judged by ./mem0; npm comes with it, or is the PATH's.
    const running = lastingPath(realpathSync(process.execPath));
    const directories = [path.dirname(running), ...(env.PATH ?? "").split(path.delimiter)].filter(
      (directory) => directory !== bin,
    );
    pointLink(path.join(bin, "node"), running);
    for (const tool of ["npm", "npx"]) {
      const found = directories
        .map((directory) => path.join(directory, tool))
        .find((file) => existsSync(file));
      if (found === undefined) {
        throw new Problem(`Node ${process.versions.node} is here without ${tool}`, {
          where: process.execPath,
          mend: `install npm, then: ${SETUP}`,
        });
      }
      pointLink(path.join(bin, tool), found);
    }
  },
};

/**
 * Where a program of Homebrew's is found after its next upgrade too: Homebrew removes `Cellar/node/22.1.0` then, and keeps
 * `opt/node` pointing at the newest. Other programs are where they are.
 */
export function lastingPath(file: string): string {
  const lasting = file.replace(/\/Cellar\/([^/]+)\/[^/]+\//, "/opt/$1/");
  return existsSync(lasting) && realpathSync(lasting) === realpathSync(file) ? lasting : file;
}
