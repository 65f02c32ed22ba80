/**
 * What holds for every container of ours, whoever makes it: the services of a stack, one-off containers, and what a
 * policy may demand. In the words and spellings that Docker prints back, so that each of them can be compared.
 */
export const HARDENING = {
  readOnlyRoot: true,
  /** A first process that reaps what others leave and passes signals on. */
  init: true,
  droppedCapabilities: ["ALL"],
  securityOptions: ["no-new-privileges:true"],
  /** The one address of the host that ports are published on. */
  publishedOn: "127.0.0.1",
} as const;

/** Where a container may write in memory when nothing else is said, with the size in MB. */
export const WRITABLE: Readonly<Record<string, number>> = { "/tmp": 64 };

/** Docker's log of a container, bounded to `files` of 10 MB each. */
export function boundedLog(files: number) {
  return { driver: "json-file", options: { "max-size": "10m", "max-file": String(files) } } as const;
}

/**
 * Docker's options of writable paths in memory. Everybody may write there, like in any `/tmp`.
 *
 * @param writable size in MB by path
 */
export function memoryMounts(writable: Readonly<Record<string, number>> = WRITABLE): Record<string, string> {
  return Object.fromEntries(Object.entries(writable).map(([path, mb]) => [path, `size=${mb}m,mode=1777`]));
}

/**
 * Name servers of a container that has no way out. The engine answers for the names of the network. Others it would ask
 * the host's name servers for, through which data can leave: here it asks nobody. With `ndots` it says at once that it does
 * not know the name of a service that stands still. What it would pass on gets no answer at all, for which a program waits
 * 5 s twice, unless it is told to wait a second: Neo4j asks at each start what 0.0.0.0 is called.
 */
export const NO_NAMES_BEYOND = {
  servers: ["127.0.0.1"],
  options: ["attempts:1", "ndots:1", "timeout:1"],
  searches: ["."],
} as const;
