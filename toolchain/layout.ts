import os from "node:os";
import path from "node:path";

/** Root of this checkout. */
export const CHECKOUT = path.dirname(import.meta.dirname);

/** Where set-up puts things in a checkout: one directory, ignored by git. */
export function toolchainLayout(checkout: string) {
  const root = path.join(checkout, ".toolchain");
  return {
    root,
    /** First on PATH: node, npm, npx, pulumi, pulumi-language-nodejs. */
    bin: path.join(root, "bin"),
    /** PULUMI_HOME. */
    pulumiHome: path.join(root, "pulumi-home"),
    /** Unfinished work; whatever lies here belongs to a set-up that is at work, or that was interrupted. */
    work: path.join(root, "work"),
    lock: path.join(root, "setup.lock"),
  };
}

/** Directory of backend, passphrase, manifests and secret files; `MEM0_HOME` moves it. */
export function stateHome(env: NodeJS.ProcessEnv = process.env): string {
  const moved = env.MEM0_HOME;
  return path.resolve(moved === undefined || moved === "" ? path.join(os.homedir(), ".mem0-host") : moved);
}

/** What set-up keeps in the state home. */
export function stateLayout(home: string) {
  return {
    backend: path.join(home, "pulumi"),
    passphrase: path.join(home, "passphrase"),
    engineLog: path.join(home, "log", "dockerd.log"),
  };
}
