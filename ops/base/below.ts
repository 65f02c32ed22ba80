// Runs before the packages are there: imports nothing but Node itself.
import {
  closeSync,
  constants,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  type ReadStream,
  readFileSync,
  type Stats,
} from "node:fs";
import path from "node:path";
import { Problem } from "./problem.ts";

/**
 * Files below a directory that is the user's own. Whatever a link there leads to is somebody else's: no link on the way
 * from that directory to a file is followed. The directory itself may lie behind one.
 */

/** A symbolic link, or a pipe and its like, where a file or directory should be. */
export class NotFollowed extends Problem {
  constructor(file: string, what: string, why = "which is not followed") {
    super(`${path.basename(file)} is ${what}, ${why}`, {
      where: file,
      mend: "put what it leads to in its place, or remove it",
    });
  }
}

/**
 * What lies at `file` below `root`; nothing when it, or a directory on the way, is not there.
 *
 * @throws NotFollowed when it, or a directory on the way, is a symbolic link
 */
export function lookBelow(root: string, file: string): Stats | undefined {
  const names = path.relative(root, file).split(path.sep);
  if (names[0] === ".." || path.isAbsolute(names[0] ?? "")) throw new Error(`${file} is not below ${root}`);
  let at = root;
  let stats: Stats | undefined;
  for (const name of names) {
    at = path.join(at, name);
    try {
      stats = lstatSync(at, { throwIfNoEntry: false });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ELOOP") throw new NotFollowed(root, "a symbolic link to itself");
      if (code !== "ENOTDIR") throw error;
      return undefined;
    }
    if (stats?.isSymbolicLink() === true) throw new NotFollowed(at, "a symbolic link");
    if (stats === undefined) return undefined;
  }
  return stats;
}

/**
 * Opens a file below `root` for reading; whoever calls closes it.
 *
 * @throws NotFollowed for links, and for what is no file: a pipe would wait for its writer for ever
 */
export function openBelow(root: string, file: string): number {
  const stats = lookBelow(root, file);
  if (stats !== undefined && !stats.isFile()) throw new NotFollowed(file, "no file");
  return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** A file below `root` as a stream. */
export function streamBelow(root: string, file: string): ReadStream {
  return createReadStream("", { fd: openBelow(root, file), autoClose: true });
}

/** Manifests, checksums, markers and lists have some kilobytes; whoever can write one can make it fill the memory. */
const MOST_TEXT_BYTES = 16 * 1024 ** 2;

/**
 * The text of a file below `root`; undefined when it is not there. What may not be read, as without macOS' Full Disk
 * Access, is not taken for missing.
 */
export function readBelow(root: string, file: string): string | undefined {
  const stats = lookBelow(root, file);
  if (stats === undefined) return undefined;
  if (stats.size > MOST_TEXT_BYTES)
    throw new NotFollowed(file, `a file of ${stats.size} bytes`, "and no text of this tool is as long");
  let descriptor: number;
  try {
    descriptor = openBelow(root, file);
  } catch (error) {
    // Removed since it was looked at.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a directory below `root`, with those on the way. */
export function makeBelow(root: string, directory: string, mode = 0o700): void {
  lookBelow(root, directory);
  mkdirSync(directory, { recursive: true, mode });
}
