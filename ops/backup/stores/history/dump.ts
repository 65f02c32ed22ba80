import { text } from "node:stream/consumers";
import { constants, createZstdCompress } from "node:zlib";
import { z } from "zod";
import { Problem } from "../../../base/problem.ts";
import {
  createOneShot,
  mountOf,
  type ProgramOutput,
  streamFromExec,
  streamFromOneShot,
} from "../../../docker/program-output.ts";
import type { DeployedStack } from "../../../stack/deployed-stack.ts";
import { type Cut, NO_IDENTITY } from "../../take/cut.ts";
import { backupLabels } from "../neo4j/store-copy.ts";
import type { DumpSide } from "../store.ts";

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
  async dump({ stack, id, found }, sink) {
    const python = (script: string) => runBesideServer(stack, ["python3", "-c", script]);
    const { entries, identity } = looked.parse(await answerOf(await python(LOOK)));
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
      produce: async () => ({ ...(await python(COPY)), through: [createZstdCompress(ZSTD_LEVEL)] }),
    });
  },
};

/** In the server's container, or when that is stopped in another of the same image on the same files. */
async function runBesideServer(stack: DeployedStack, command: string[]): Promise<ProgramOutput> {
  const { docker } = stack;
  const name = stack.container("server");
  const live = await docker.getContainer(name).inspect();
  if (live.State.Running) return streamFromExec(docker, name, command);
  const store = live.Mounts.find(({ Destination }) => Destination === "/data");
  if (store === undefined) throw new Problem("the memory server has no store at /data", { where: name });
  const container = await createOneShot(docker, {
    name: `mem0_backup_history_${stack.name}`,
    image: live.Image,
    entrypoint: command.slice(0, 1),
    command: command.slice(1),
    user: live.Config.User,
    mounts: [mountOf(store, "/data")],
    labels: backupLabels(stack),
    env: live.Config.Env.filter((variable) => variable.startsWith("HISTORY_DB_PATH=")),
    memoryBytes: 256 * 1024 ** 2,
  });
  return streamFromOneShot(container, "reading the history");
}

async function answerOf({ stream, done }: ProgramOutput): Promise<unknown> {
  const [answer] = await Promise.all([text(stream), done]);
  return JSON.parse(answer);
}
