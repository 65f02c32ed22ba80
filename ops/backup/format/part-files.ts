import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { streamBelow } from "../../base/below.ts";
import { secondsSince } from "../../base/elapsed.ts";
import type { Part } from "./backup-manifest.ts";
import { counting } from "./byte-meter.ts";
import { decrypting, encrypting } from "./encryption.ts";
import type { OpenPart, PartSink } from "./part.ts";

/** Ending of an encrypted part. */
const ENCRYPTED = ".age";

/** Called for every piece of a part that reached the file. */
export type OnBytes = (file: string, bytes: number) => void;

/** Writes the parts of one backup into a directory, and sums them up. */
export class PartFiles implements PartSink {
  readonly parts: Part[] = [];
  readonly #sums = new Map<string, string>();
  readonly #directory: string;
  readonly #recipients: readonly string[];
  readonly #onBytes: OnBytes;
  readonly #signal: AbortSignal;

  constructor(
    directory: string,
    recipients: readonly string[],
    onBytes: OnBytes = () => {},
    signal: AbortSignal = new AbortController().signal,
  ) {
    this.#directory = directory;
    this.#recipients = recipients;
    this.#onBytes = onBytes;
    this.#signal = signal;
  }

  async write({ source, name, fileName, format, produce }: Parameters<PartSink["write"]>[0]): Promise<Part> {
    const started = performance.now();
    const file = `${source}/${fileName}${this.#recipients.length > 0 ? ENCRYPTED : ""}`;
    const target = path.join(this.#directory, file);
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    const handle = await open(target, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      let bytes = 0;
      // Not a stream of the file itself: that would close it before it is on the disk.
      const toFile = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          hash.update(chunk);
          bytes += chunk.length;
          this.#onBytes(file, chunk.length);
          handle.appendFile(chunk).then(() => done(), done);
        },
      });
      const { stream, through = [], done } = await produce();
      let unpackedBytes = 0;
      const measured = counting(file, (_, more) => {
        unpackedBytes += more;
      });
      const packing = through.length === 0 ? [] : [measured, ...through];
      const encryption = this.#recipients.length > 0 ? [encrypting(this.#recipients)] : [];
      await Promise.all([
        pipeline([stream, ...packing, ...encryption, toFile], { signal: this.#signal }),
        done,
      ]);
      await handle.sync();
      this.#sums.set(file, hash.digest("hex"));
      const size = through.length === 0 ? { bytes } : { bytes, unpackedBytes };
      const part: Part = { source, name, file, format, ...size, seconds: secondsSince(started) };
      this.parts.push(part);
      return part;
    } finally {
      await handle.close();
    }
  }

  /** Text of SHA256SUMS, as `sha256sum --check` reads it. */
  checksums(): string {
    return [...this.#sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([file, sum]) => `${sum}  ${file}\n`)
      .join("");
  }
}

/**
 * A part of a backup as a stream in its format.
 *
 * @param identity text of the age identity file; needed when the backup is encrypted
 */
export function openPart(directory: string, part: Part, identity?: string): OpenPart {
  const open = (): Readable => {
    const file = streamBelow(directory, path.join(directory, part.file));
    if (!part.file.endsWith(ENCRYPTED)) return file;
    if (identity === undefined) throw new Error(`${part.file} is encrypted: an identity file is needed`);
    const plain = decrypting(identity);
    file.on("error", (error) => plain.destroy(error));
    return file.pipe(plain);
  };
  return { part, open };
}
