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
