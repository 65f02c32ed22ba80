import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  rmSync,
  type Stats,
} from "node:fs";
import path from "node:path";
import { untold } from "./is-there.ts";
import { Problem } from "./problem.ts";
import { shellWord } from "./words.ts";

/** Bits of a mode. */
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

const ROOT = 0;

/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;

/** What was found of a directory that is the user's own. */
export interface OwnDirectory {
  /** Its file system knows no owners and modes, as exFAT does: whoever is on the machine can read and write it. */
  ownerless: boolean;
}

/**
 * Lets a directory be used only when nobody but its user and root can write to it, or put another one in its place: it and
 * all directories above it are theirs, and writable by nobody else; above it, a sticky one as /tmp is well. What is not
 * there yet is judged by what is above it. Where the file system knows no owners there is nothing to judge by.
 *
 * @param what what it is for, e.g. `the backup root`
 * @param uid who uses it
 * @param others whose it may be as well
 * @throws Problem with the command that mends it
 */
export function requireOwnDirectory(
  directory: string,
  what: string,
  uid: number = process.geteuid?.() ?? ROOT,
  others: readonly number[] = [],
): OwnDirectory {
  const users = [ROOT, uid, ...others];
  const places = [...placesOf(path.resolve(directory))];
  const deepest = places.findLast(({ stats }) => stats.isDirectory());
  let ownerless: boolean | undefined;
  for (const place of places) {
    const fault = faultOf(place, users);
    if (fault === undefined) continue;
    // Judged where the user can make a file, and only when there is something to excuse.
    if (deepest !== undefined && deepest.stats.dev === place.stats.dev)
      ownerless ??= isOwnerless(deepest.path);
    if (ownerless === true && deepest?.stats.dev === place.stats.dev) continue;
    throw refusal(what, path.resolve(directory), place.path, fault);
  }
  return { ownerless: ownerless === true };
}

/** A step on the way to a directory: a directory, or a link that leads on. */
interface Place {
  path: string;
  stats: Stats;
  /** Whether it is the directory itself. */
  last: boolean;
}

/** All that the system passes on its way to `directory`, as far as it is there. */
function* placesOf(directory: string): Generator<Place> {
  let at = path.parse(directory).root;
  const names = directory.split(path.sep).filter((name) => name !== "");
  yield { path: at, stats: lstatSync(at), last: names.length === 0 };
  for (let links = 0; names.length > 0; ) {
    const name = names.shift() ?? "";
    const next = path.join(at, name);
    const stats = lookAt(next);
    if (stats === undefined) return;
    yield { path: next, stats, last: names.length === 0 && !stats.isSymbolicLink() };
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw untold(next, { code: "ELOOP" });
    const target = readlinkSync(next);
    if (path.isAbsolute(target)) at = path.parse(target).root;
    names.unshift(...target.split(path.sep).filter((part) => part !== "" && part !== "."));
  }
}

/** Nothing where nothing is, or where the way ends at a file. */
function lookAt(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw untold(file, error);
  }
}

type Fault = { kind: "foreign"; owner: number } | { kind: "writable" };

function faultOf({ stats, last }: Place, users: readonly number[]): Fault | undefined {
  if (!users.includes(stats.uid)) return { kind: "foreign", owner: stats.uid };
  // Modes of links mean nothing.
  if (stats.isSymbolicLink() || (stats.mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  return !last && (stats.mode & STICKY) !== 0 ? undefined : { kind: "writable" };
}

/** Whether a file that is made for its owner alone comes out as somebody else's, or open to others. */
function isOwnerless(directory: string): boolean {
  const probe = path.join(directory, `.mem0-${randomBytes(8).toString("hex")}.probe`);
  let descriptor: number;
  try {
    descriptor = openSync(probe, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  } catch (error) {
    // Nobody writes to a read-only disk.
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
  try {
    const { uid, mode } = fstatSync(descriptor);
    return uid !== process.geteuid?.() || (mode & 0o077) !== 0;
  } finally {
    closeSync(descriptor);
    rmSync(probe, { force: true });
  }
}

function refusal(what: string, directory: string, at: string, fault: Fault): Problem {
  const itself = at === directory;
  const named = itself ? what : `a directory above ${what}`;
  const quoted = shellWord(at);
  const [said, command] =
    fault.kind === "foreign"
      ? [`belongs to another user (uid ${fault.owner})`, `chown ${process.geteuid?.() ?? ROOT} ${quoted}`]
      : ["may be written to by other users", `chmod go-w ${quoted}`];
  return new Problem(`${named} ${said}, who could change what lies there`, {
    where: itself ? at : `${at}, above ${directory}`,
    mend: `${command} (as root, where it is not yours); or take a place of your own`,
  });
}
