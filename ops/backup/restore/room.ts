import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { byteSize } from "../../base/byte-size.ts";
import { Problem } from "../../base/problem.ts";
import { execInContainer } from "../../docker/command.ts";

/**
 * What stays free where Postgres keeps its data: as much as its log may grow to before it is recycled (max_wal_size).
 * With nothing left the live server goes down, and cannot even start to drop the database that filled the disk.
 */
export const RESERVE_BYTES = 1024 ** 3;

/** How often the free room is asked for; in that time no restore writes as much as the reserve. */
const EVERY_MS = 1000;

/** The disk that live data and what is restored beside it share. */
export interface Room {
  /** The disk, for people. */
  where: string;
  /** Bytes that are free; undefined while nobody can tell. */
  free: () => Promise<number | undefined>;
}

/**
 * Where the Postgres of a stack keeps its data: with Docker's volumes, the other stores and throw-away ones too.
 *
 * @param throwaway a server that may be started meanwhile, whose disk is another one where the stack's is a directory
 */
export function roomOf(docker: Docker, container: string, throwaway?: string): Room {
  const command = ["sh", "-c", 'df -B1 --output=avail "$PGDATA" | tail -n 1'];
  const freeOf = async (one: string): Promise<number | undefined> => {
    const asked = await execInContainer(docker, one, command).catch(() => undefined);
    // Of a pipe only its end tells how it ended; before a server's first start there is nothing to ask for.
    const bytes = asked?.stdout.trim() ?? "";
    return /^\d+$/.test(bytes) ? Number(bytes) : undefined;
  };
  const places = [container, ...(throwaway === undefined ? [] : [throwaway])];
  return {
    where: `the disk of ${places.join(", or of ")}`,
    free: async () => {
      const free = (await Promise.all(places.map(freeOf))).filter((bytes) => bytes !== undefined);
      return free.length === 0 ? undefined : Math.min(...free);
    },
  };
}

/** @throws Problem when less than the reserve is free */
export async function requireRoom(room: Room): Promise<void> {
  const free = await room.free();
  if (free !== undefined && free < RESERVE_BYTES) throw tooLittle(room, free);
}

/**
 * Does work that takes room, and gives it up before it takes the reserve.
 *
 * @param giveUp frees what `work` has taken, whereupon it fails; called again as long as it goes on
 * @throws Problem when less than the reserve was free before or meanwhile; what `work` throws
 */
export async function withinRoom<T>(
  room: Room,
  giveUp: () => Promise<void>,
  work: () => Promise<T>,
  everyMs = EVERY_MS,
): Promise<T> {
  await requireRoom(room);
  const ended = new AbortController();
  let lacking: number | undefined;
  const watch = async () => {
    for (;;) {
      await delay(everyMs, undefined, { signal: ended.signal }).catch(() => {});
      const free = await room.free();
      if (ended.signal.aborted) return;
      if (free !== undefined && free < RESERVE_BYTES) lacking ??= free;
      // It may fail, since the work goes on meanwhile; the next time it gets further.
      if (lacking !== undefined) await giveUp().catch(() => {});
    }
  };
  const watching = watch();
  const unlessLacking = (cause?: unknown) => {
    if (lacking !== undefined) throw tooLittle(room, lacking, cause);
  };
  try {
    const done = await work().catch((cause: unknown) => {
      unlessLacking(cause);
      throw cause;
    });
    unlessLacking();
    return done;
  } finally {
    ended.abort();
    await watching;
  }
}

function tooLittle({ where }: Room, free: number, cause?: unknown): Problem {
  const [left, reserve] = [free, RESERVE_BYTES].map(byteSize);
  return new Problem(
    `too little room: ${left} were free, and at least ${reserve} has to stay free for the live data`,
    {
      where,
      mend: "free space there (docker system df tells what Docker takes), then the same command again",
      cause,
    },
  );
}
