import { constants, createZstdCompress } from "node:zlib";
import { z } from "zod";
import { streamFromExec } from "../../container-streams.ts";
import { execInContainer, withDocker } from "../../docker.ts";
import { Problem } from "../../problem.ts";
import { type Cut, NO_IDENTITY } from "../cut.ts";
import type { DumpSide } from "../source.ts";
import { containerOf } from "../stack-access.ts";

/** The library's own default; higher levels cost more time than they save. */
export const ZSTD_LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

const PATH = "import os, sqlite3, sys; path = os.environ['HISTORY_DB_PATH']";

/** Read-only, so that nothing is made where nothing is. */
const OPEN = "db = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=30, isolation_level=None)";

/**
 * Prints the file as it is, under SQLite's shared lock: in the journal mode that the server uses, the file of a
 * database that nobody writes to is the whole database.
 */
const COPY = `${PATH}
${OPEN}
db.execute('BEGIN')
db.execute('SELECT count(*) FROM sqlite_master').fetchone()
with open(path, 'rb') as file:
    while piece := file.read(1 << 20):
        sys.stdout.buffer.write(piece)
sys.stdout.buffer.flush()`;

const LOOK = `${PATH}
import json
${OPEN}
tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
count = db.execute('SELECT count(*) FROM history').fetchone()[0] if 'history' in tables else 0
bound = db.execute('SELECT instance_id, embedder, dimensions FROM mem0_identity').fetchone() if 'mem0_identity' in tables else None
print(json.dumps({'entries': count, 'identity': bound}))`;

const looked = z.object({
  entries: z.int(),
  identity: z.tuple([z.string(), z.string(), z.int()]).nullable(),
});

export const historyDump: DumpSide<Cut> = {
  source: "history",
  async dump({ manifest, id, found }, sink) {
    const container = containerOf(manifest, "server");
    await withDocker(manifest.dockerHost, async (docker) => {
      const answer = await execInContainer(docker, container, ["python3", "-c", LOOK]);
      if (answer.exitCode !== 0) {
        throw new Problem("the history file cannot be read", {
          where: `HISTORY_DB_PATH in ${container}: ${answer.stderr.trim().split("\n").at(-1) ?? ""}`,
          mend: `./mem0 status ${manifest.stack}`,
        });
      }
      const { entries, identity } = looked.parse(JSON.parse(answer.stdout));
      found.counts.historyEntries = entries;
      found.identities.history =
        identity === null
          ? NO_IDENTITY
          : { instanceId: identity[0], embedder: identity[1], dimensions: identity[2] };
      await sink.write({
        source: "history",
        name: "history",
        fileName: `history_${id}.db.zst`,
        format: "sqlite-zstd",
        produce: async () => {
          const { stream, done } = await streamFromExec(docker, container, ["python3", "-c", COPY]);
          return { stream, through: [createZstdCompress(ZSTD_LEVEL)], done };
        },
      });
    });
  },
};
