import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import { Problem } from "../../ops/base/problem.ts";

/** Libraries that every system of the kind has, whatever is installed or updated: a Node with no others can be copied. */
const SYSTEM_LIBRARIES =
  /^(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|atomic)\.so)|^\/(usr\/lib|System)\//;

/** Whether a Node consists of its one file, as those of nodejs.org and npm do, and those of Homebrew and Debian do not. */
export function standsAlone(libraries: readonly string[], platform: NodeJS.Platform): boolean {
  const name = (file: string) => (platform === "darwin" ? file : path.basename(file));
  return libraries.every((file) => SYSTEM_LIBRARIES.test(name(file)));
}

/**
 * Puts a copy of this Node at `target`, which no update of Node, Homebrew or the system changes.
 *
 * @throws Problem where it could not be run without the libraries that it was installed with
 */
export function layNode(checkout: string, target: string): void {
  if (existsSync(target)) return;
  const running = realpathSync(process.execPath);
  const { sharedObjects = [] } = process.report.getReport() as { sharedObjects?: string[] };
  const libraries = sharedObjects.filter((file) => file !== running && file !== process.execPath);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
  const work = mkdtempSync(path.join(path.dirname(target), ".draft-"));
  const draft = path.join(work, "node");
  try {
    copyFileSync(standsAlone(libraries, process.platform) ? running : fetchedNode(checkout, work), draft);
    chmodSync(draft, 0o700);
    execFileSync(draft, ["--version"], { stdio: "ignore" });
    renameSync(draft, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The Node of toolchain/node/pins.txt, from npm's registry, in `directory`. */
export function fetchedNode(checkout: string, directory: string): string {
  const pins = readFileSync(path.join(checkout, "toolchain", "node", "pins.txt"), "utf8").split("\n");
  const machine = `${process.platform}-${process.arch}`;
  const [, name = "", version = "", checksum] =
    pins.map((line) => line.split(" ")).find(([of]) => of === machine) ?? [];
  const mend =
    "see that the npm registry answers (npm ping), or install Node from nodejs.org; then: ./mem0 up";
  const args = ["pack", "--silent", "--pack-destination", directory, `${name}@${version}`];
  const { status, stdout } = spawnSync("npm", args, { cwd: directory, encoding: "utf8" });
  if (status !== 0) {
    throw new Problem(
      "this Node hangs on libraries that the next update takes away, and npm gives no other",
      {
        where: process.execPath,
        mend,
      },
    );
  }
  const archive = path.join(directory, stdout.trim());
  if (createHash("sha512").update(readFileSync(archive)).digest("hex") !== checksum) {
    throw new Problem(`${name} ${version} is not what it should be: its checksum differs`, {
      where: archive,
      mend,
    });
  }
  execFileSync("tar", ["-xzf", archive, "-C", directory, "package/bin/node"]);
  return path.join(directory, "package", "bin", "node");
}
