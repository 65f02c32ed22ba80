import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Tools that only macOS has, as strict fakes on PATH: they refuse what the code is not known to ask. */
export interface FakeMac {
  /** Directory that goes first on PATH. */
  bin: string;
  /** What the tools answer from, and note what they were asked in. */
  directory: string;
  /** Tells `ps` when a process began, e.g. `Fri Nov 27 22:18:01 2026`. */
  begin: (pid: number, time: string) => void;
  /** A boot: no process from before is there, and numbers begin anew. */
  boot: (uuid: string) => void;
  remove: () => void;
}

export function fakeMac(uuid = "0DE6BD3E-0000-4000-8000-00000000000A"): FakeMac {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-mac-"));
  const processes = path.join(directory, "processes");
  const mac: FakeMac = {
    bin: path.join(directory, "bin"),
    directory,
    // As macOS prints it, with blanks up to the width of its column.
    begin: (pid, time) => writeFileSync(path.join(processes, String(pid)), `${time}    \n`),
    boot: (session) => {
      rmSync(processes, { recursive: true, force: true });
      mkdirSync(processes);
      writeFileSync(path.join(directory, "kern.bootsessionuuid"), `${session}\n`);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  cpSync(path.join(import.meta.dirname, "bin"), mac.bin, { recursive: true });
  // An authority, and a certificate of a service of the Mac's own, as both lie in its keychain.
  cpSync(path.join(import.meta.dirname, "keychain.pem"), path.join(directory, "keychain.pem"));
  writeFileSync(path.join(directory, "kern.uuid"), `${uuid}\n`);
  mac.boot("5E55105E-0000-4000-8000-000000000001");
  return mac;
}

/** Puts the tools of a Mac before those of this machine for as long as `use` needs them. */
export async function onFakeMac<T>(use: (mac: FakeMac) => T | Promise<T>): Promise<T> {
  const mac = fakeMac();
  const before = process.env.PATH;
  process.env.PATH = [mac.bin, before].join(path.delimiter);
  try {
    return await use(mac);
  } finally {
    process.env.PATH = before;
    mac.remove();
  }
}
