import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { FILES } from "../../../ops/backup/format/layout.ts";
import { forgeManifest } from "../support/backup-directory.ts";

/** Where a backup that is to be damaged lies, and a directory that is nobody's business. */
export interface Ground {
  /** The backup root. */
  root: string;
  /** The backup. */
  directory: string;
  outside: string;
  random: () => number;
}

/** What was done to a backup. */
export interface Damage {
  /** For people, with the place. */
  what: string;
  /** Whether somebody has made all checksums fit again: what is read then may be another's, and as it should be. */
  forged: boolean;
}

/** Values that a JSON file may hold where it should not. */
const ODD: readonly unknown[] = [
  null,
  true,
  "",
  "../../outside/canary",
  "/etc/passwd",
  "a'\"; DROP TABLE memories; --\\",
  "$(touch /tmp/x) `id`",
  "--from-path=/etc",
  "\u0000\u001b[2J\u2028\ud800",
  "x".repeat(70_000),
  0,
  -1,
  -0,
  0.5,
  2,
  1e300,
  Number.MAX_SAFE_INTEGER,
  [],
  [["a"]],
  {},
  { $float: "NaN" },
  { length: 1e9 },
];

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const pick = <T>(random: () => number, list: readonly T[]): T => {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
};

/** Everything below a directory, without following links; the directories first. */
function below(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

const files = (directory: string) => below(directory).filter((file) => lstatSync(file).isFile());
const parts = (directory: string) => files(directory).filter((file) => path.dirname(file) !== directory);

/** Puts an odd value, or nothing, in the place of one inside a JSON value, and says where. */
export function mutateJson(value: Json, random: () => number): string {
  const places: [holder: Record<string, Json>, key: string, way: string][] = [];
  const walk = (holder: Json, way: string) => {
    if (holder === null || typeof holder !== "object") return;
    for (const [key, inside] of Object.entries(holder)) {
      places.push([holder as Record<string, Json>, key, `${way}.${key}`]);
      walk(inside, `${way}.${key}`);
    }
  };
  walk(value, "");
  const [holder, key, way] = pick(random, places);
  const before = holder[key] as Json;
  switch (Math.floor(random() * 4)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return `${way} is gone`;
    case 1:
      holder[key] = Array.isArray(before) ? [...before, ...before] : [before, before];
      return `${way} is a list of twice itself`;
    case 2:
      if (typeof before === "number") {
        holder[key] = before + pick(random, [1, -1, 1000]);
        return `${way} is another number`;
      }
      holder[key] = `${typeof before === "string" ? before : ""}${pick(random, ["'", "\\", "/..", "\n"])}`;
      return `${way} has a sign more`;
    default: {
      const odd = pick(random, ODD);
      holder[key] = odd as Json;
      return `${way} is ${JSON.stringify(odd)?.slice(0, 40)}`;
    }
  }
}

/** Makes manifest and checksums fit what the files are now, as anybody can without the stack's key. */
function forge(directory: string, change: (manifest: { [key: string]: Json }) => void = () => {}): void {
  const file = path.join(directory, FILES.manifest);
  const { seal: _, ...manifest } = JSON.parse(readFileSync(file, "utf8"));
  const sums: string[] = [];
  for (const part of manifest.parts) {
    const bytes = readFileSync(path.join(directory, part.file));
    part.bytes = bytes.length;
    delete part.unpackedBytes;
    sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${part.file}\n`);
  }
  const text = sums.sort().join("");
  writeFileSync(path.join(directory, FILES.checksums), text);
  manifest.checksums = createHash("sha256").update(text).digest("hex");
  change(manifest);
  writeFileSync(file, forgeManifest(manifest));
}

let bomb: Buffer | undefined;

/** 160 MiB of nothing in 5 KB. */
function bombOfZstd(): Buffer {
  bomb ??= zstdCompressSync(Buffer.alloc(160 * 1024 ** 2));
  return bomb;
}

/** Kinds of damage that leave the checksums as they were. */
const DAMAGES: Record<string, (ground: Ground) => string> = {
  bit: ({ directory, random }) => {
    const file = pick(random, files(directory));
    const bytes = readFileSync(file);
    if (bytes.length === 0) return `${file}: nothing to flip`;
    const at = Math.floor(random() * bytes.length);
    bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8)), at);
    writeFileSync(file, bytes);
    return `${file}: a bit of byte ${at}`;
  },
  size: ({ directory, random }) => {
    const file = pick(random, files(directory));
    if (random() < 0.5) truncateSync(file, Math.floor(random() * statSync(file).size));
    else appendFileSync(file, "\n".repeat(1 + Math.floor(random() * 100)));
    return `${file}: another size`;
  },
  name: ({ directory, random }) => {
    const from = pick(random, below(directory));
    const to = path.join(
      directory,
      pick(random, ["x", "postgres/x", ".DS_Store", "pin", "owner.json", "neo4j/x.tar.gz"]),
    );
    if (to.startsWith(`${from}/`) || to === from) return `${from}: stays`;
    rmSync(to, { recursive: true, force: true });
    mkdirSync(path.dirname(to), { recursive: true });
    renameSync(from, to);
    return `${from}: is named ${to}`;
  },
  gone: ({ directory, random }) => {
    const file = pick(random, below(directory));
    rmSync(file, { recursive: true });
    return `${file}: is gone`;
  },
  swapped: ({ directory, random }) => {
    const [one, other] = [pick(random, files(directory)), pick(random, files(directory))];
    const bytes = readFileSync(one);
    writeFileSync(one, readFileSync(other));
    writeFileSync(other, bytes);
    return `${one} and ${other} are each other`;
  },
  more: ({ directory, random }) => {
    const name = pick(random, [
      "pin",
      "owner.json",
      "._manifest.json",
      "SHA256SUMS.txt",
      "postgres/md5sums",
      "neo4j/a.tar.gz",
    ]);
    const text = pick(random, [
      "",
      "{",
      "../../outside\n",
      `${"0".repeat(64)}  ../../../outside/canary\n`,
      "\u001b[2J",
    ]);
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
    return `${name} is there, and says ${JSON.stringify(text.slice(0, 20))}`;
  },
  link: ({ root, directory, outside, random }) => {
    const at = pick(random, [
      ...below(directory),
      directory,
      path.dirname(directory),
      path.join(root, ".partial"),
    ]);
    const to = pick(random, [
      outside,
      path.join(outside, "canary"),
      path.join(outside, "backup"),
      "/etc/passwd",
      "/dev/zero",
      at,
      "/nowhere",
      "../../..",
    ]);
    rmSync(at, { recursive: true, force: true });
    symlinkSync(to, at);
    return `${at}: is a link to ${to}`;
  },
  hardLink: ({ directory, outside, random }) => {
    const file = pick(random, files(directory));
    rmSync(file);
    linkSync(path.join(outside, "canary"), file);
    return `${file}: is another name of a file outside`;
  },
  otherKind: ({ directory, random }) => {
    const at = pick(random, below(directory));
    rmSync(at, { recursive: true });
    if (random() < 0.5) mkdirSync(at);
    else execFileSync("mkfifo", [at]);
    return `${at}: is ${lstatSync(at).isDirectory() ? "a directory" : "a pipe"}`;
  },
  text: ({ directory, random }) => {
    const file = path.join(directory, FILES.manifest);
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    const what = mutateJson(manifest, random);
    writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    return `${FILES.manifest}: ${what}`;
  },
};

/** Kinds of damage by somebody who makes all fit again. */
const FORGERIES: Record<string, (ground: Ground) => string> = {
  manifest: ({ directory, random }) => {
    let what = "";
    forge(directory, (manifest) => {
      what = mutateJson(manifest, random);
    });
    return `${FILES.manifest}: ${what}`;
  },
  garbage: ({ directory, random }) => {
    const file = pick(random, parts(directory));
    writeFileSync(file, Buffer.from(Array.from({ length: 500 }, () => Math.floor(random() * 256))));
    forge(directory);
    return `${file}: is garbage`;
  },
  bomb: ({ directory, random }) => {
    const file = pick(random, parts(directory));
    writeFileSync(file, bombOfZstd());
    forge(directory);
    return `${file}: is a bomb`;
  },
  graph: ({ directory, random }) => {
    const file = ofStore(directory, "neo4j");
    const lines = zstdDecompressSync(readFileSync(file)).toString().trim().split("\n");
    const at = Math.floor(random() * lines.length);
    let what = "is twice there";
    if (random() < 0.2) lines.splice(at, 0, lines[at] ?? "");
    else {
      const line = JSON.parse(lines[at] ?? "null");
      what = mutateJson(line, random);
      lines[at] = JSON.stringify(line);
    }
    writeFileSync(file, zstdCompressSync(Buffer.from(`${lines.join("\n")}\n`)));
    forge(directory);
    return `${file}: line ${at + 1}: ${what}`;
  },
  history: ({ directory, random }) => {
    const file = ofStore(directory, "history");
    const bytes = zstdDecompressSync(readFileSync(file));
    const count = 1 + Math.floor(random() * 20);
    for (let one = 0; one < count; one += 1)
      bytes.writeUInt8(Math.floor(random() * 256), Math.floor(random() * bytes.length));
    writeFileSync(file, zstdCompressSync(bytes));
    forge(directory);
    return `${file}: ${count} other bytes`;
  },
};

function ofStore(directory: string, store: string): string {
  return pick(() => 0, files(path.join(directory, store)));
}

/** Damages a backup in one way, which the random numbers choose. */
export function damage(ground: Ground): Damage {
  const forged = ground.random() < 0.5;
  const kinds = Object.entries(forged ? FORGERIES : DAMAGES);
  const [kind, apply] = pick(ground.random, kinds);
  return { what: `${kind}: ${apply(ground).replaceAll(ground.root, "")}`, forged };
}
