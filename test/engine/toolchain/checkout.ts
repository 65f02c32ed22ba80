import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { CHECKOUT, toolchainLayout } from "../../../toolchain/layout.ts";
import { linkPulumi } from "../../harness/support/link-pulumi.ts";

/** What a test may change of a run of `./mem0`. */
interface RunOptions {
  env?: Record<string, string | undefined>;
}

/**
 * A copy of this checkout with a state home of its own, so that a test can set up, break and mend it. Packages and
 * the built Pulumi CLI are this checkout's, by link: getting those again would take minutes.
 */
export class TestCheckout {
  readonly parent = mkdtempSync(path.join(os.tmpdir(), "mem0 set-up "));
  readonly root = path.join(this.parent, "checkout");
  readonly home = path.join(this.parent, "state home");
  readonly toolchain = toolchainLayout(this.root);

  constructor({ withPulumi = true } = {}) {
    const left = new Set(["node_modules", ".toolchain", ".git", "coverage", "test"]);
    mkdirSync(this.root);
    for (const name of readdirSync(CHECKOUT)) {
      if (!left.has(name)) cpSync(path.join(CHECKOUT, name), path.join(this.root, name), { recursive: true });
    }
    symlinkSync(path.join(CHECKOUT, "node_modules"), path.join(this.root, "node_modules"));
    if (withPulumi) linkPulumi(this.root);
  }

  /** Environment of a person at this checkout: nothing of the test runner's own set-up. */
  environment(changed: RunOptions["env"] = {}): Record<string, string> {
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(PULUMI_|MEM0_|VITEST|NODE_OPTIONS)/.test(name),
    );
    const all = { ...Object.fromEntries(own), MEM0_HOME: this.home, ...changed };
    return Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }

  /** Starts `./mem0`; what it returns can be killed. */
  start(args: readonly string[], { env }: RunOptions = {}) {
    return execa(path.join(this.root, "mem0"), args, {
      cwd: this.parent,
      env: this.environment(env),
      extendEnv: false,
      reject: false,
      all: true,
    });
  }

  /** Runs `./mem0` to its end. */
  async mem0(args: readonly string[], options: RunOptions = {}) {
    const { exitCode, stdout, stderr, all } = await this.start(args, options);
    return { exitCode, stdout: stdout ?? "", stderr: stderr ?? "", all: all ?? "" };
  }

  remove(): void {
    rmSync(this.parent, { recursive: true, force: true });
  }
}
