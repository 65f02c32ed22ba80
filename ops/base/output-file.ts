import { randomBytes } from "node:crypto";
import {
  constants,
  createWriteStream,
  linkSync,
  lstatSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { onExit } from "signal-exit";
import { ExitCode, Problem } from "./problem.ts";

/** What a verb writes, piece by piece. */
export type Pieces = AsyncIterable<string | Uint8Array>;

/** Where a person wants something written. */
export interface Output {
  /** Absolute path, or `standard output`. */
  readonly where: string;
  /** Whether what is written goes to standard output, where then nothing else belongs. */
  readonly standard: boolean;
  /**
   * Writes all of it. A file has its name only when it is whole and on the disk.
   *
   * @throws ReaderGone when nobody reads any more; Problem when it cannot be written; what `pieces` throws
   */
  write(pieces: Pieces): Promise<void>;
}

/** Who read what was written has closed it, as `head` does after its lines. */
export class ReaderGone extends Problem {
  constructor(where: string, cause: unknown) {
    super("nobody reads any more what is written", { where, cause });
  }
}

/**
 * Looks at where a person wants something written, before any work is done for it. Standard output (`-`), open
 * descriptors, devices and pipes are written to as they are; a symbolic link is followed; a file that is there, or a
 * disk, is overwritten only by force.
 *
 * @throws Problem when it cannot be written there
 */
export function outputTo(target: string, { force = false }: { force?: boolean } = {}): Output {
  if (target === "-") return standardOutput();
  const { file, descriptor } = followed(path.resolve(target));
  if (descriptor === 1) return standardOutput();
  if (descriptor !== undefined) {
    return direct(target, async () => createWriteStream("", { fd: descriptor, autoClose: false }));
  }
  const found = lookAt(file);
  if (found === undefined) refuseWithoutDirectory(file);
  else refuseToOverwrite(file, found, force);
  if (found !== undefined && !found.isFile()) {
    // Neither made nor emptied: it is there, and a pipe that were opened for reading too would never lack a reader.
    return direct(file, async () => (await open(file, constants.O_WRONLY)).createWriteStream());
  }
  return { where: file, standard: false, write: (pieces) => writeWhole(file, pieces, force) };
}

/** Paths under which a process finds its own open files; Linux leads /dev/stdout to one of them, macOS too. */
const DESCRIPTOR = /^\/(?:dev|proc\/(?:self|thread-self))\/fd\/(\d+)$/;

/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;

/** Where links lead to in the end, whether or not something is there; or the open file that it stands for. */
function followed(target: string): { file: string; descriptor?: number } {
  let file = target;
  for (let links = 0; links < MAX_LINKS; links++) {
    const number = DESCRIPTOR.exec(file)?.[1];
    if (number !== undefined) return { file, descriptor: Number(number) };
    if (lookAt(file, lstatSync)?.isSymbolicLink() !== true) return { file };
    file = path.resolve(path.dirname(file), readlinkSync(file));
  }
  throw new Problem("the links go round in a circle", { where: target, exitCode: ExitCode.usage });
}

function lookAt(file: string, stat: typeof statSync = statSync): Stats | undefined {
  try {
    return stat(file, { throwIfNoEntry: false });
  } catch (cause) {
    if (codeOf(cause) === "ENOTDIR") return undefined;
    throw unwritable(file, cause);
  }
}

function refuseWithoutDirectory(file: string): void {
  const directory = path.dirname(file);
  if (lookAt(directory)?.isDirectory() === true) return;
  throw new Problem(`there is no directory ${directory}`, {
    where: file,
    mend: `mkdir -p ${directory}`,
    exitCode: ExitCode.usage,
  });
}

function refuseToOverwrite(file: string, found: Stats, force: boolean): void {
  const refuse = (what: string, mend: string) =>
    new Problem(what, { where: file, mend, exitCode: ExitCode.usage });
  if (found.isDirectory()) throw refuse("it is a directory", "name a file in it");
  if (found.isSocket()) throw refuse("it is a socket", "name a file");
  if (force) return;
  if (found.isFile()) throw refuse("it exists already", "name another file; --force replaces this one");
  if (found.isBlockDevice()) {
    throw refuse("it is a disk, whose content would be lost", "name a file; --force overwrites the disk");
  }
}

function standardOutput(): Output {
  const where = "standard output";
  const write = async (pieces: Pieces) => {
    await copied(pieces, process.stdout, where);
    // A stream that is left open tells nothing of its last piece but by the next.
    await new Promise<void>((resolve, reject) =>
      process.stdout.write("", (error) => (error ? reject(unwritable(where, error)) : resolve())),
    );
  };
  return { where, standard: true, write };
}

function direct(where: string, opened: () => Promise<NodeJS.WritableStream>): Output {
  const write = async (pieces: Pieces) => {
    const stream = await opened().catch((cause: unknown) => {
      throw unwritable(where, cause);
    });
    await copied(pieces, stream, where);
  };
  return { where, standard: false, write };
}

async function writeWhole(file: string, pieces: Pieces, force: boolean): Promise<void> {
  // A name that is nobody's: another run may write beside this one, and `FILE.part` may be a person's own.
  const partial = path.join(path.dirname(file), `.mem0-${randomBytes(8).toString("hex")}.partial`);
  const remove = () => rmSync(partial, { force: true });
  const forget = onExit(remove);
  try {
    // Opened before the first piece is asked for: a disk that takes nothing costs no work.
    const handle = await open(partial, "wx", 0o600).catch((cause: unknown) => {
      throw unwritable(file, cause);
    });
    await copied(pieces, handle.createWriteStream({ flush: true }), file);
    try {
      if (force) renameSync(partial, file);
      else giveName(partial, file);
      await syncDirectory(path.dirname(file));
    } catch (cause) {
      throw unwritable(file, cause);
    }
  } finally {
    remove();
    forget();
  }
}

/** Unlike renaming, linking replaces nothing that has come meanwhile; some file systems know no links. */
function giveName(partial: string, file: string): void {
  try {
    linkSync(partial, file);
  } catch (error) {
    if (!WITHOUT_LINKS.includes(codeOf(error) ?? "")) throw error;
    if (lookAt(file) !== undefined) throw Object.assign(new Error("it exists already"), { code: "EEXIST" });
    renameSync(partial, file);
  }
}

const WITHOUT_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems know no syncing of directories; the name is there all the same.
    if (!["EINVAL", "ENOTSUP", "EPERM"].includes(codeOf(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

/** Copies all pieces; tells apart whether they or the writing failed. */
async function copied(pieces: Pieces, to: NodeJS.WritableStream, where: string): Promise<void> {
  let broken: { error: unknown } | undefined;
  async function* watched() {
    try {
      yield* pieces;
    } catch (error) {
      broken = { error };
      throw error;
    }
  }
  try {
    await pipeline(watched(), to, { end: to !== process.stdout });
  } catch (cause) {
    throw broken === undefined ? unwritable(where, cause) : broken.error;
  }
}

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "your share of the disk is used up",
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "the disk is read-only",
  EEXIST: "it exists already: it came while this ran",
  EBADF: "it is not open for writing",
};

function unwritable(where: string, cause: unknown): Problem {
  const code = codeOf(cause) ?? "";
  if (code === "EPIPE") return new ReaderGone(where, cause);
  const reason = REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Problem(`it cannot be written: ${reason}`, { where, cause });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
