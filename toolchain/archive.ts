import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "../ops/base/problem.ts";
import { run } from "./run.ts";

/** A download that brings nothing for this long is given up. */
const STALL_MS = 30_000;

const OTHER_WAY = "./mem0 setup --way registries builds it from package registries";

/**
 * Downloads a gzipped tar archive and unpacks it into `directory`, without its outermost folder.
 *
 * @param sha256 of the archive, in hex
 * @throws Problem when the site does not give it, or stops in the middle, or gives another one
 */
export async function fetchArchive(
  url: string,
  sha256: string,
  directory: string,
  report: (line: string) => void,
): Promise<void> {
  const file = `${directory}.tar.gz`;
  try {
    const received = await download(url, file, report);
    if (received !== sha256) {
      throw new Problem(`${path.basename(url)} is not what it should be: its checksum differs`, {
        where: url,
        mend: `try again, or: ${OTHER_WAY}`,
      });
    }
    await run("tar", ["-xzf", file, "-C", directory, "--strip-components=1"]);
  } finally {
    await rm(file, { force: true });
  }
}

/** @returns the SHA-256 of what came, in hex */
async function download(url: string, file: string, report: (line: string) => void): Promise<string> {
  const hash = createHash("sha256");
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALL_MS);
  try {
    const response = await fetch(url, { signal: stalled.signal });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    const total = Number(response.headers.get("content-length"));
    let received = 0;
    let told = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        hash.update(chunk);
        timer.refresh();
        const percent = Math.floor((100 * received) / total);
        if (percent >= told + 10) {
          told = percent;
          report(`${percent} % of ${Math.round(total / 1e6)} MB from ${new URL(url).host}`);
        }
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(file));
    return hash.digest("hex");
  } catch (cause) {
    throw new Problem(`${path.basename(url)} could not be downloaded`, {
      where: url,
      mend: OTHER_WAY,
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
