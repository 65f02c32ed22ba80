import { Readable } from "node:stream";
import type { DumpedStore } from "../store.ts";

/** The manifest of the deployed stack: which images, names and settings the data was used with. It holds no secret. */
export const stackDump: DumpedStore = {
  source: "stack",
  async dump({ stack }, sink) {
    await sink.write({
      source: "stack",
      name: "manifest",
      fileName: "manifest.json",
      format: "json",
      produce: () => ({
        stream: Readable.from([Buffer.from(`${JSON.stringify(stack.manifest, null, 2)}\n`)]),
        done: Promise.resolve(),
      }),
    });
  },
};
