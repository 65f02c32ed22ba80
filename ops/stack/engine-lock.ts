import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { Problem } from "../base/problem.ts";
import { isRunning } from "../base/process-lock.ts";
import { type ProcessTable, processTable } from "../base/process-table.ts";

/** What Pulumi's file backend writes into a lock; its other fields do not matter here. */
const lockSchema = z.object({ pid: z.int(), hostname: z.string(), timestamp: z.coerce.date() });

/** The names that each machine had when it last worked here, the newest at the end. */
const namesSchema = z.record(z.string(), z.array(z.string()));

/** A host that gets its name from the network has a few; a lock under an older one is a person's to judge. */
const KEPT_NAMES = 20;

/** Clocks are told to the second, and are set now and then: what began this much later than its lock is not its holder. */
const SLACK_MS = 60_000;

/**
 * Removes the backend's locks of a stack whose holders are dead processes of this machine, whatever it was called then.
 *
 * @param backend directory of Pulumi's file backend
 * @throws Problem that names the holder when there is one, or when nobody here can tell
 */
export function releaseDeadLocks(
  { backend, stack }: { backend: string; stack: string },
  report: (line: string) => void,
  table: ProcessTable = processTable(),
): void {
  const names = noteName(backend, table);
  const locks = path.join(backend, ".pulumi", "locks", "organization", "mem0", stack);
  if (!existsSync(locks)) return;
  for (const name of readdirSync(locks).filter((file) => file.endsWith(".json"))) {
    const file = path.join(locks, name);
    const { pid, hostname, timestamp } = readLock(file, stack);
    if (!names.includes(hostname) || holds(pid, timestamp, table)) {
      throw new Problem(`another run works on stack ${stack} (process ${pid} on ${hostname})`, {
        where: file,
        mend: `wait for it, or when it is dead: pulumi cancel --stack ${stack}`,
      });
    }
    report(`releasing the lock of process ${pid}, which is dead`);
    rmSync(file);
  }
}

function readLock(file: string, stack: string): z.output<typeof lockSchema> {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Problem(`a lock of stack ${stack} cannot be read`, {
      where: file,
      mend: `when nothing works on the stack: pulumi cancel --stack ${stack}`,
      cause,
    });
  }
}

/** Whether the process is the one that took a lock at `since`, and not another with its number. */
function holds(pid: number, since: Date, { bornAt }: ProcessTable): boolean {
  if (!isRunning(pid)) return false;
  const birth = bornAt(pid);
  return birth === undefined || birth.time.getTime() <= since.getTime() + SLACK_MS;
}

/** Notes what this machine is called now; returns all the names that it had. */
function noteName(backend: string, { machine }: ProcessTable): string[] {
  const name = os.hostname();
  if (machine === undefined) return [name];
  const file = path.join(backend, "host-names.json");
  const known = existsSync(file) ? namesSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
  const names = [...(known[machine] ?? []).filter((other) => other !== name), name].slice(-KEPT_NAMES);
  if (known[machine]?.at(-1) === name) return names;
  mkdirSync(backend, { recursive: true, mode: 0o700 });
  writeFileAtomic.sync(file, `${JSON.stringify({ ...known, [machine]: names }, null, 2)}\n`, { mode: 0o600 });
  return names;
}
