import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { CHECKOUT, toolchainLayout } from "../../../toolchain/layout.ts";

/** Gives a copy of this checkout the Pulumi CLI that is built here: building it again would take minutes. */
export function linkPulumi(copy: string): void {
  const { root } = toolchainLayout(CHECKOUT);
  const there = toolchainLayout(copy);
  const built = readdirSync(root).find((name) => /^pulumi-.+-(official|registries)$/.test(name));
  if (built === undefined) throw new Error("these tests need a checkout that is set up: ./mem0 setup");
  mkdirSync(there.bin, { recursive: true });
  symlinkSync(path.join(root, built), path.join(there.root, built));
  for (const tool of ["pulumi", "pulumi-language-nodejs"]) {
    symlinkSync(path.join("..", built, tool), path.join(there.bin, tool));
  }
}
