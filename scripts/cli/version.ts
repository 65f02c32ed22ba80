import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { CHECKOUT } from "../../toolchain/layout.ts";

/** E.g. `mem0-on-one-host 0.1.0, commit 4a43739`; without the commit where there is no git, or no history. */
export function version(checkout: string = CHECKOUT): string {
  const name = `${packageJson.name} ${packageJson.version}`;
  if (!existsSync(path.join(checkout, ".git"))) return name;
  const { status, stdout } = spawnSync(
    "git",
    ["-C", checkout, "describe", "--always", "--dirty=, changed since"],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  return status === 0 ? `${name}, commit ${stdout.trim()}` : name;
}
