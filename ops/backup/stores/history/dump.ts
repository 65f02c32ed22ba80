import { text } from "node:stream/consumers";
import { constants, createZstdCompress } from "node:zlib";
import { z } from "zod";
import { streamFromExec } from "../../../docker/command.ts";
import type { ProgramOutput } from "../../../docker/output.ts";
import { Throwaway } from "../../../docker/throwaway.ts";
import { deployedService, likeDeployed } from "../../../stack/deployed-service.ts";
import type { DeployedStack } from "../../../stack/deployed-stack.ts";
import { NO_IDENTITY } from "../cut.ts";
import type { DumpedStore } from "../store.ts";

/** The library's own default; higher levels cost more time than they save. */
export const ZSTD_LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

/** Memory for reading the file where the server does not run. */
const PYTHON_BYTES = 256 * 1024 ** 2;

const PATH = "import os, sqlite3, sys; path = os.environ['HISTORY_DB_PATH']";

/** Read-only, so that nothing is made where nothing is. */
const OPEN = "db = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=30, isolation_level=None)";

/**
 * Prints the file as it is, under SQLite's shared lock: in the journal mode that the server uses, the file of a
 * database that nobody writes to is the whole database.
 */
const READ_FILE = `${PATH}
${OPEN}
db.execute('BEGIN')
db.execute('SELECT count(*) FROM sqlite_master').fetchone()
with open(path, 'rb') as file:
    while piece := file.read(1 << 20):
        sys.stdout.buffer.write(piece)
sys.stdout.buffer.flush()`;

const READ_COUNTS = `${PATH}
import json
${OPEN}
tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
count = db.execute('SELECT count(*) FROM history').fetchone()[0] if 'history' in tables else 0
bound = db.execute('SELECT instance_id, embedder, dimensions FROM mem0_identity').fetchone() if 'mem0_identity' in tables else None
print(json.dumps({'entries': count, 'identity': bound}))`;

const counts = z.object({
  entries: z.int(),
  identity: z.tuple([z.string(), z.string(), z.int()]).nullable(),
});

export const historyDump: DumpedStore = {
  source: "history",
  async dump({ stack, id, found }, sink) {
    const { entries, identity } = counts.parse(await answerOf(await runPython(stack, READ_COUNTS)));
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
      produce: async () => ({
        ...(await runPython(stack, READ_FILE)),
        through: [createZstdCompress(ZSTD_LEVEL)],
      }),
    });
  },
};

/** In the server's container, or when that is stopped in another of the same image on the same files. */
async function runPython(stack: DeployedStack, script: string): Promise<ProgramOutput> {
  const { docker, manifest } = stack;
  const service = await deployedService(stack, "server");
  const command = ["-c", script];
  if (service.isRunning) return streamFromExec(docker, service.container, ["python3", ...command]);
  const throwaway = await Throwaway.open(docker, manifest, "backup_history");
  const { HISTORY_DB_PATH } = service.env;
  const spec = {
    ...likeDeployed(service),
    memoryBytes: PYTHON_BYTES,
    entrypoint: ["python3"],
    command,
    env: HISTORY_DB_PATH === undefined ? {} : { HISTORY_DB_PATH },
    readOnlyStores: { "/data": service.store },
  };
  return (await throwaway.prepare(spec, "reading the history"))();
}

async function answerOf({ stream, done }: ProgramOutput): Promise<unknown> {
  const [answer] = await Promise.all([text(stream), done]);
  return JSON.parse(answer);
}
