import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { installPackages } from "../../toolchain/steps/docker.ts";

/** Something of the machine that some tests want and that is not always there. */
interface Need {
  isThere: () => boolean;
  /** Debian packages that bring it. */
  debian?: readonly string[];
  /** How a person gets it. */
  mend: string;
}

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const succeeds = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const hasProgram = (name: string) => succeeds("which", name);

function program(name: string): Need {
  return {
    isThere: () => hasProgram(name),
    debian: [name],
    mend: `apt-get install ${name}, or: brew install ${name}`,
  };
}

/** The last version before the parts of the house were sorted by subject: people have stacks of it. */
export const FORMER_COMMIT = "9e8ffbbcecfac1c2b89c2e1214ecde602f50e630";

/** What tests want, by the name that they call it by; each is told in the README's section on tests. */
export const NEEDS = {
  bash: program("bash"),
  dash: program("dash"),
  rclone: program("rclone"),
  restic: program("restic"),
  zsh: program("zsh"),
  ksh: program("ksh"),
  git: program("git"),
  python: {
    // Debian's Python has venv in a package of its own, without which it makes an environment that has no pip.
    isThere: () => succeeds("python3", "-c", "import ensurepip, venv"),
    debian: ["python3", "python3-venv"],
    mend: "apt-get install python3 python3-venv, or: brew install python@3.13",
  },
  exFAT: {
    isThere: () => isRoot && hasProgram("mkfs.exfat") && hasProgram("mount.exfat-fuse"),
    debian: ["exfat-fuse", "exfatprogs"],
    mend: "apt-get install exfat-fuse exfatprogs, and run as root on Linux",
  },
  Linux: { isThere: () => process.platform === "linux", mend: "run on Linux" },
  history: {
    isThere: () => succeeds("git", "cat-file", "-e", `${FORMER_COMMIT}^{commit}`),
    mend: "clone the repository whole: git fetch --unshallow",
  },
  "a Mac's disks": {
    isThere: () => isRoot && hasProgram("lowntfs-3g") && hasProgram("bindfs"),
    debian: ["ntfs-3g", "bindfs"],
    mend: "apt-get install ntfs-3g bindfs, and run as root on Linux",
  },
  cron: {
    isThere: () => isRoot && hasProgram("cron") && hasProgram("crontab"),
    debian: ["cron"],
    mend: "apt-get install cron, and run as root on Linux",
  },
  plistutil: {
    isThere: () => hasProgram("plistutil"),
    debian: ["libplist-utils"],
    mend: "apt-get install libplist-utils",
  },
  "systemd-analyze": {
    isThere: () => hasProgram("systemd-analyze"),
    debian: ["systemd"],
    mend: "apt-get install systemd",
  },
  root: { isThere: () => isRoot, mend: "run as root on Linux" },
} as const satisfies Record<string, Need>;

export type NeedName = keyof typeof NEEDS;

const need = (name: NeedName): Need => NEEDS[name];

/** What to do so that a test finds what it wants; nothing when that is there. */
export function unmet(name: NeedName): string | undefined {
  return need(name).isThere() ? undefined : `${name}: ${need(name).mend}`;
}

/** Installs what is missing where that can be done without asking: as root, on Debian. The rest is told by the summary. */
export async function installNeeds(
  names: readonly NeedName[],
  report: (line: string) => void,
): Promise<void> {
  const missing = names.filter((name) => !need(name).isThere());
  const packages = missing.flatMap((name) => need(name).debian ?? []);
  if (packages.length === 0 || !isRoot || !existsSync("/usr/bin/apt-get")) return;
  report(`installing what tests want for: ${packages.join(", ")}`);
  try {
    await installPackages([], () => {}, packages);
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
}
