import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";

/** The build context as a tar stream, without what .dockerignore names. */
export async function buildContext(directory: string, dockerfile: string): Promise<Readable> {
  const root = path.resolve(directory);
  const isDirectory = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new Error(`"build.context": there is no directory ${root}.`);
  const entries = await contextEntries(root, dockerfile);
  const { default: tar } = await import("tar-fs");
  return tar.pack(root, {
    entries,
    // The entries are complete: no directory is to be walked again.
    ignore: () => true,
    // Docker's cache looks at owners: the same files give the same layer whoever builds.
    map: (header) => ({ ...header, uid: 0, gid: 0 }),
  });
}

/**
 * The paths of a context that go to Docker, relative to `root`, in a fixed order. Docker needs the Dockerfile and
 * .dockerignore even if the latter names them.
 */
export async function contextEntries(root: string, dockerfile: string): Promise<string[]> {
  const rules = await readRules(root);
  const needed = new Set([path.normalize(dockerfile), ".dockerignore"]);
  const entries: string[] = [];
  const walk = async (directory: string) => {
    for (const entry of await readdir(path.join(root, directory), { withFileTypes: true })) {
      const file = path.join(directory, entry.name);
      const ignored = rules.ignores(file) && !needed.has(file);
      if (!ignored) entries.push(file);
      // In an ignored directory there may be something that a later rule takes back, or a needed file.
      const holdsNeeded = [...needed].some((name) => name.startsWith(`${file}/`));
      if (entry.isDirectory() && (!ignored || rules.takeBack || holdsNeeded)) await walk(file);
    }
  };
  await walk("");
  return entries.sort();
}

interface Rules {
  ignores(file: string): boolean;
  /** Whether some rule begins with `!`. */
  takeBack: boolean;
}

async function readRules(root: string): Promise<Rules> {
  const text = await readFile(path.join(root, ".dockerignore"), "utf8").catch(() => "");
  if (text.trim() === "") return { ignores: () => false, takeBack: false };
  const { default: dockerignore } = await import("@balena/dockerignore");
  const rules = dockerignore.default({ ignorecase: false }).add(text);
  return { ignores: (file) => rules.ignores(file), takeBack: /^\s*!/m.test(text) };
}
