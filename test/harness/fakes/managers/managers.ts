import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Owner } from "../../../../ops/schedules/managers.ts";

/** What runs jobs, as strict fakes on a PATH of their own: they refuse what the code is not known to ask. */
export interface FakeManagers {
  owner: Owner;
  /** What the fakes answer from, and note what they were asked in. */
  directory: string;
  write: (name: string, text: string) => void;
  remove: () => void;
}

const UID = 501;

export function fakeManagers(): FakeManagers {
  const directory = mkdtempSync(path.join(os.tmpdir(), "mem0-managers-"));
  cpSync(path.join(import.meta.dirname, "bin"), path.join(directory, "bin"), { recursive: true });
  for (const name of ["home", "loaded", "going", "disabled", "known", "active"]) {
    mkdirSync(path.join(directory, name));
  }
  const home = path.join(directory, "home");
  const searchPath = [path.join(directory, "bin"), "/usr/bin", "/bin"].join(path.delimiter);
  return {
    owner: { home, uid: UID, env: { PATH: searchPath, HOME: home, FAKE_UID: String(UID) } },
    directory,
    write: (name, text) => writeFileSync(path.join(directory, name), text),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
