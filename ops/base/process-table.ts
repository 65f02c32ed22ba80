import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** What tells the processes of this machine from others, also under numbers that are used again. */
export interface ProcessTable {
  /** Names this machine, or this container, whatever its host name is now; undefined where nothing tells. */
  machine: string | undefined;
  /** When the process `pid` began, with the boot that it began in; undefined when there is none, or nothing tells. */
  bornAt: (pid: number) => Birth | undefined;
}

export interface Birth {
  /** The same text means the same process. */
  id: string;
  /** To a second or so. */
  time: Date;
}

/** Clock ticks in a second, as /proc tells times: 100 on every processor that we know of. */
const TICKS_PER_SECOND = 100;

/** Of the process table that a Linux machine itself has; those of containers have others (linux/proc_ns.h). */
const FIRST_NAMESPACE = "pid:[4026531836]";

export function processTable(platform: NodeJS.Platform = process.platform): ProcessTable {
  return platform === "darwin" ? macTable() : linuxTable();
}

/**
 * macOS has no /proc, and its host name changes with the network. `ps` tells the start to the second, in the zone and
 * the language that it is told.
 */
function macTable(): ProcessTable {
  const boot = printedBy("sysctl", ["-n", "kern.bootsessionuuid"]);
  return {
    machine: printedBy("sysctl", ["-n", "kern.uuid"]),
    bornAt: (pid) => {
      const started = printedBy("ps", ["-o", "lstart=", "-p", String(pid)]);
      if (boot === undefined || started === undefined) return undefined;
      return { id: `${boot} ${started}`, time: new Date(`${started} UTC`) };
    },
  };
}

function linuxTable(): ProcessTable {
  const boot = linesOf("/proc/sys/kernel/random/boot_id")?.[0];
  const bootTime = Number(
    linesOf("/proc/stat")
      ?.find((line) => line.startsWith("btime "))
      ?.slice(6),
  );
  return {
    machine: linuxMachine(boot),
    bornAt: (pid) => {
      const stat = linesOf(`/proc/${pid}/stat`)?.join("\n");
      if (boot === undefined || stat === undefined) return undefined;
      // The second field is the program's name, which may hold spaces and brackets.
      const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
      const time = new Date((bootTime + Number(ticks) / TICKS_PER_SECOND) * 1000);
      return { id: `${boot} ${ticks}`, time };
    },
  };
}

/** A container shares the machine's boot, and perhaps its id, but not its processes. */
function linuxMachine(boot: string | undefined): string | undefined {
  const namespace = unlessUnreadable(() => readlinkSync("/proc/self/ns/pid"));
  if (namespace === undefined || boot === undefined) return undefined;
  const id = namespace === FIRST_NAMESPACE ? linesOf("/etc/machine-id")?.[0] : undefined;
  return id || `${boot} ${namespace}`;
}

function printedBy(command: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const text = status === 0 ? stdout.trim() : "";
  return text === "" ? undefined : text;
}

function linesOf(file: string): string[] | undefined {
  return unlessUnreadable(() => readFileSync(file, "utf8").trimEnd().split("\n"));
}

function unlessUnreadable<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
