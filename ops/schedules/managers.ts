import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import writeFileAtomic from "write-file-atomic";
import type { Manager } from "../../config/manifest.ts";
import { Problem } from "../base/problem.ts";
import { acquireLock, describeHolder, releaseLock } from "../base/process-lock.ts";
import { waitUntil } from "../base/wait-until.ts";
import { ALWAYS } from "./jobs.ts";
import { findLine, withLine } from "./units/crontab.ts";
import type { Unit } from "./units/unit.ts";

/**
 * The managers of this host that run jobs, through their own commands: `launchctl`, `systemctl --user`, `crontab`. What is done
 * twice does no harm.
 */

/** Whose units they are. */
export interface Owner {
  home: string;
  uid: number;
  env: NodeJS.ProcessEnv;
}

export interface UnitManager {
  install(unit: Unit): Promise<void>;
  remove(unit: Unit): Promise<void>;
  /** What is wrong with a unit as it is on this host, for people; nothing when it is loaded as it should be. */
  fault(unit: Unit): Promise<string | undefined>;
}

export function managerOf(manager: Manager, owner: Owner): UnitManager {
  return { launchd, systemd, cron }[manager](owner);
}

interface Answer {
  code: number;
  stdout: string;
  /** Both outputs. */
  all: string;
}

async function run(owner: Owner, words: readonly string[], input?: Buffer): Promise<Answer> {
  const [command = "", ...args] = words;
  const result = await execa(command, args, {
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
    env: owner.env,
    extendEnv: false,
    reject: false,
    all: true,
    stripFinalNewline: false,
    encoding: "latin1",
  });
  return { code: result.exitCode ?? 127, stdout: result.stdout, all: result.all };
}

/** @throws Problem with what a command said, unless it went well */
async function must(owner: Owner, what: string, words: readonly string[], input?: Buffer): Promise<Answer> {
  const answer = await run(owner, words, input);
  if (answer.code === 0) return answer;
  throw new Problem(`${what}: ${words.join(" ")} ended with ${answer.code}\n${answer.all.trim()}`);
}

/** Writes a unit's files; nobody else may write to them. */
function writeFiles(directory: string, files: Unit["files"]): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileAtomic.sync(path.join(directory, name), text, { mode: 0o644 });
  }
}

/** What a unit's files differ in from what they should be. */
function filesFault(directory: string, files: Unit["files"]): string | undefined {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    if (!existsSync(file)) return `${file} is missing`;
    if (readFileSync(file, "utf8") !== text) return `${file} is not as up wrote it`;
  }
  return undefined;
}

/** How long launchd may take to end a job, or to let go of its label, ms. */
const GONE_MS = 30_000;

/** launchd refuses a label for a moment after it was there. */
const BOOTSTRAP_TRIES = 5;

function launchd(owner: Owner): UnitManager {
  const directory = path.join(owner.home, "Library", "LaunchAgents");
  const domain = `gui/${owner.uid}`;
  const target = ({ name }: Unit) => `${domain}/${name}`;
  const isThere = async (unit: Unit) => (await run(owner, ["launchctl", "print", target(unit)])).code === 0;
  /** Returns when the label is gone: `bootout` itself returns before. */
  const unload = async (unit: Unit) => {
    if (!(await isThere(unit))) return;
    await run(owner, ["launchctl", "bootout", target(unit)]);
    const late = () =>
      new Problem(`launchd does not let go of ${unit.name}`, { mend: `launchctl bootout ${target(unit)}` });
    await waitUntil(async () => !(await isThere(unit)), { withinMs: GONE_MS, everyMs: 100, late });
  };
  return {
    async install(unit) {
      writeFiles(directory, unit.files);
      await unload(unit);
      // A label that was switched off stays so until it is switched on.
      await must(owner, `launchd does not enable ${unit.name}`, ["launchctl", "enable", target(unit)]);
      const file = path.join(directory, `${unit.name}.plist`);
      for (let tries = 1; ; tries += 1) {
        const answer = await run(owner, ["launchctl", "bootstrap", domain, file]);
        if (answer.code === 0) return;
        if (tries === BOOTSTRAP_TRIES) {
          throw new Problem(`launchd does not take ${unit.name} (${answer.code}): ${answer.all.trim()}`, {
            where: file,
            mend: `log in at the screen, allow it in System Settings, Login Items; then: ./mem0 up ${unit.stack}`,
          });
        }
        await delay(200 * tries);
      }
    },
    async remove(unit) {
      await unload(unit);
      for (const name of Object.keys(unit.files)) rmSync(path.join(directory, name), { force: true });
    },
    async fault(unit) {
      const fault = filesFault(directory, unit.files);
      if (fault !== undefined) return fault;
      return (await isThere(unit))
        ? undefined
        : `launchd has not loaded it (launchctl print ${target(unit)})`;
    },
  };
}

function systemd(owner: Owner): UnitManager {
  const config = owner.env.XDG_CONFIG_HOME;
  const base = config === undefined || config === "" ? path.join(owner.home, ".config") : config;
  const directory = path.join(base, "systemd", "user");
  const user = userOf(owner);
  const systemctl = (...args: string[]) => ["systemctl", "--user", ...args];
  return {
    async install(unit) {
      writeFiles(directory, unit.files);
      const what = `systemd does not take ${unit.name}`;
      await must(user, what, systemctl("daemon-reload"));
      await must(user, what, systemctl("enable", unit.name));
      // Started again, a timer has its new times, and what runs always its new program.
      await must(user, what, systemctl("restart", unit.name));
    },
    async remove(unit) {
      // Fails where there is none.
      await run(user, systemctl("disable", "--now", unit.name));
      for (const name of Object.keys(unit.files)) rmSync(path.join(directory, name), { force: true });
      await must(user, `systemd still has ${unit.name}`, systemctl("daemon-reload"));
    },
    async fault(unit) {
      const fault = filesFault(directory, unit.files);
      if (fault !== undefined) return fault;
      const { code, stdout } = await run(user, systemctl("is-active", unit.name));
      return code === 0 ? undefined : `systemd has it ${stdout.trim() || `not (${code})`}`;
    },
  };
}

/** A user's systemd is reached through a directory that sudo, su and cron do not name. */
function userOf(owner: Owner): Owner {
  return { ...owner, env: { XDG_RUNTIME_DIR: `/run/user/${owner.uid}`, ...owner.env } };
}

/** How often a crontab is read and written anew because somebody else changed it meanwhile. */
const CRONTAB_TRIES = 10;

/** How long other stacks of this user may take with the crontab, ms. */
const CRONTAB_LOCK_MS = 30_000;

function cron(owner: Owner): UnitManager {
  const change = (unit: Unit, line: string | undefined) =>
    withCrontabLock(owner, () => edit(owner, (text) => withLine(text, unit.stack, unit.job, line)));
  return {
    install: (unit) => change(unit, unit.files.crontab),
    remove: (unit) => change(unit, undefined),
    async fault(unit) {
      const line = findLine(await readCrontab(owner), unit.stack, unit.job);
      if (line === undefined) return "the crontab has no line of it";
      return line === unit.files.crontab ? undefined : "its line in the crontab is not as up wrote it";
    },
  };
}

/** All set-ups of a user take one lock. */
async function withCrontabLock(owner: Owner, work: () => Promise<void>): Promise<void> {
  const file = path.join(owner.home, ".mem0-crontab.lock");
  let holder = acquireLock(file);
  const late = () =>
    new Problem(
      `another run is at work on the crontab${holder === undefined ? "" : `: ${describeHolder(holder)}`}`,
      {
        where: file,
        mend: "wait for it; if that host no longer exists, remove the file",
      },
    );
  const taken = async () => {
    if (holder === undefined) return true;
    holder = acquireLock(file);
    return holder === undefined;
  };
  await waitUntil(taken, { withinMs: CRONTAB_LOCK_MS, everyMs: 50, late });
  try {
    await work();
  } finally {
    releaseLock(file);
  }
}

/** Others take no lock: it is written only when it still is what was read, and read again afterwards. */
async function edit(owner: Owner, change: (crontab: string) => string): Promise<void> {
  for (let tries = 1; tries <= CRONTAB_TRIES; tries += 1) {
    const before = await readCrontab(owner);
    const wanted = change(before);
    if (wanted === before) return;
    if ((await readCrontab(owner)) !== before) continue;
    if (wanted === "") await must(owner, "the crontab cannot be removed", ["crontab", "-r"]);
    else await must(owner, "cron refuses the crontab", ["crontab", "-"], Buffer.from(wanted, "latin1"));
    if ((await readCrontab(owner)) === wanted) return;
  }
  throw new Problem(
    "somebody else changes the crontab all the time: nothing was lost, and nothing is installed",
    {
      where: "crontab -l",
      mend: "end that, then do this again",
    },
  );
}

/** The user's crontab, a character for each byte; empty where there is none. */
async function readCrontab(owner: Owner): Promise<string> {
  const { code, stdout, all } = await run(owner, ["crontab", "-l"]);
  if (code === 0) return stdout;
  if (code === 1 && /no crontab for/i.test(all)) return "";
  throw new Problem(`the crontab cannot be read: ${all.trim()}`, { where: "crontab -l" });
}

/** Which manager there is, or why there is none. */
export type FoundManager = { manager: Manager } | { reason: string };

/**
 * The manager that runs jobs on this host: the wanted one, else the one that has the stack's units already, else the best that
 * there is.
 */
export async function findManager(
  wanted: Manager | "auto",
  deployed: Manager | undefined,
  owner: Owner,
  platform: NodeJS.Platform = process.platform,
): Promise<FoundManager> {
  const candidates: Manager[] =
    wanted !== "auto"
      ? [wanted]
      : deployed !== undefined
        ? [deployed]
        : platform === "darwin"
          ? ["launchd"]
          : ["systemd", "cron"];
  const reasons: string[] = [];
  for (const manager of candidates) {
    const reason = await lacks[manager](owner);
    if (reason === undefined) return { manager };
    reasons.push(reason);
  }
  return { reason: reasons.join("; ") };
}

/** What a manager wants to run a stack's jobs here. */
const lacks: Record<Manager, (owner: Owner) => Promise<string | undefined>> = {
  async launchd(owner) {
    const { code } = await run(owner, ["launchctl", "print", `gui/${owner.uid}`]);
    return code === 0 ? undefined : "launchd has no session of yours: log in at the screen";
  },
  async systemd(owner) {
    const user = userOf(owner);
    const { code } = await run(user, ["systemctl", "--user", "show-environment"]);
    if (code !== 0) return "no systemd of your own answers (systemctl --user show-environment)";
    const { stdout } = await run(user, ["loginctl", "show-user", String(owner.uid), "--property=Linger"]);
    return stdout.trim() === "Linger=yes"
      ? undefined
      : "your systemd ends when you log out: loginctl enable-linger";
  },
  async cron(owner) {
    const { code, all } = await run(owner, ["crontab", "-l"]);
    if (code !== 0 && !/no crontab for/i.test(all)) return "there is no crontab: apt-get install cron";
    return isCronRunning() ? undefined : "no cron runs: service cron start";
  },
};

/** Whether a daemon reads crontabs; where there is no /proc, nothing tells. */
function isCronRunning(): boolean {
  if (!existsSync("/proc/self")) return true;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return /^(cron|crond|cronie|fcron|busybox)\n$/.test(readFileSync(`/proc/${pid}/comm`, "utf8"));
      } catch {
        return false;
      }
    });
}

/** This process' user. */
export function thisOwner(): Owner {
  return { home: process.env.HOME ?? "/", uid: process.getuid?.() ?? 0, env: process.env };
}

/** What ends a program that a unit has kept running beside its manager, as cron's does. */
export const keepsRunning = ({ when, manager }: Pick<Unit, "when" | "manager">): boolean =>
  when === ALWAYS && manager === "cron";
