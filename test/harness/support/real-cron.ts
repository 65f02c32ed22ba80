import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Jobs that begin each minute and change nothing: with no backup there, one of them fails. */
export const JOBS_OF_EACH_MINUTE = {
  by: "cron",
  jobs: {
    backup: "off",
    hourly: "off",
    drill: "off",
    missed: "off",
    health: "off",
    logs: "* * * * *",
    verify: "* * * * *",
  },
};

/** Lines of somebody else in the crontab, one of them in no encoding that anybody knows. */
const THEIRS = Buffer.from("# ours \xff\xfe\n17 3 1 1 * true # 50\\%\n", "latin1");

/** Debian's cron at work on this user's crontab alone: the system's own jobs are hidden from it. */
export class RealCron {
  readonly #daemon: ChildProcess;
  /** As it was before the tests. */
  readonly #original: Buffer | undefined;
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), "mem0-cron-"));
  /** The crontab before anything of ours is in it. */
  readonly foreign: Buffer;

  constructor() {
    this.#original = readCrontab();
    this.foreign = Buffer.concat([this.#original ?? Buffer.alloc(0), THEIRS]);
    write(this.foreign);
    const nothing = path.join(this.#directory, "crontab");
    writeFileSync(nothing, "", { mode: 0o644 });
    const script = `mount -t tmpfs none /etc/cron.d && mount --bind '${nothing}' /etc/crontab && exec cron -f`;
    this.#daemon = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
  }

  get crontab(): Buffer | undefined {
    return readCrontab();
  }

  stop(): void {
    this.#daemon.kill();
    if (this.#original === undefined) spawnSync("crontab", ["-r"]);
    else write(this.#original);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function readCrontab(): Buffer | undefined {
  const { status, stdout } = spawnSync("crontab", ["-l"]);
  return status === 0 ? stdout : undefined;
}

function write(crontab: Buffer): void {
  const { status, stderr } = spawnSync("crontab", ["-"], { input: crontab });
  if (status !== 0) throw new Error(stderr.toString());
}
