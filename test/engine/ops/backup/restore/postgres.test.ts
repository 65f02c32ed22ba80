import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Preparation, preparePostgres } from "../../../../../ops/backup/restore/prepare.ts";
import { swapStore } from "../../../../../ops/backup/restore/swap.ts";
import { readContent } from "../../../../../ops/backup/stores/postgres/content.ts";
import { databases } from "../../../../../ops/backup/stores/postgres/databases.ts";
import { makeTables } from "../../../../../ops/backup/stores/postgres/restore.ts";
import {
  POSTGRES_VOLUME,
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from "../../../../../ops/backup/stores/postgres/throwaway.ts";
import { connectDocker } from "../../../../../ops/docker/client.ts";
import { sql } from "../../../../../ops/docker/psql.ts";
import { Throwaway } from "../../../../../ops/docker/throwaway.ts";
import type { DeployedService } from "../../../../../ops/stack/deployed-service.ts";
import { readMachine } from "../../../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../../../toolchain/layout.ts";
import { deployedLike } from "../../../../harness/support/deployed-like.ts";
import { Workbench } from "../../../services/workbench.ts";

/** A server that stands for a stack's live one; what is restored beside it is what a stack restores. */
const docker = connectDocker(readMachine(CHECKOUT).docker.host);
const bench = new Workbench();
const names = { user: "mem0_user", collection: "memories" };
const DATABASE = "mem0_live";
const RESTORE = "20261124_120000";
const IDENTITY = { instanceId: "mine", embedder: "e", dimensions: 3 };
const DUMP = `CREATE TABLE public.memories (
    id uuid NOT NULL,
    vector public.vector(3)
);

COPY public.memories (id, vector, payload) FROM stdin;
00000000-0000-0000-0000-000000000001\t[1,2,3]\t{"user_id": "anna"}
\\.
`;

let lives: Throwaway;
let throwaway: Throwaway;
let live: ThrowawayPostgres;
let deployed: DeployedService;

beforeAll(async () => {
  const image = await bench.image("postgres");
  const owner = { stack: "beside", homeId: "tests" };
  lives = await Throwaway.open(docker, owner, "live");
  throwaway = await Throwaway.open(docker, owner, "restore");
  const store = await lives.volume("store");
  deployed = { ...deployedLike(image), store };
  live = await startThrowawayPostgres(docker, lives, deployed, names, { volume: store, database: DATABASE });
  await makeTables(live, DATABASE, new Map([["memories", 3]]));
});

afterAll(async () => {
  await throwaway.remove();
  await lives.remove();
  await bench.remove();
});

const dump = {
  part: { source: "postgres", name: "mem0", file: "postgres/mem0.sql", format: "sql", bytes: 0, seconds: 0 },
  open: () => Readable.from([Buffer.from(DUMP)]),
} as const;

async function prepared(as: "files" | "database", more: Partial<Preparation> = {}): Promise<number> {
  await throwaway.remove();
  const preparation = { docker, throwaway, id: RESTORE, identity: IDENTITY, adopt: true, counts: undefined };
  const wish = { dump, live, database: DATABASE, as, leaveOutUnknown: false, report: () => {} };
  return preparePostgres({ ...preparation, ...more }, deployed, wish);
}

describe("a dump that is restored beside a live Postgres", () => {
  it("is copied into a new database of it, bound to the stack and searchable, and nothing else changes", async () => {
    await expect(prepared("database", { adopt: false })).rejects.toThrow("tells no identity");
    expect(await databases(live)).toEqual([DATABASE, "postgres", "template0", "template1"]);
    expect(await prepared("database")).toBe(1);
    const found = await readContent(live, `${DATABASE}_restore_${RESTORE}`);
    expect(found).toMatchObject({ memories: 1, identity: IDENTITY, indexed: true });
    expect((await readContent(live, DATABASE)).memories).toBe(0);
  });

  it("is laid beside its files, which the image's own start takes when they have changed places", async () => {
    expect(await prepared("files")).toBe(1);
    expect((await readContent(live, DATABASE)).memories).toBe(0);
    await lives.stop(live.container, 60);
    const service = { ...deployed, container: live.container };
    const places = { docker, throwaway, postgres: live, database: DATABASE };
    const all = { ...places, postgresService: service, neo4j: service, server: service };
    await swapStore("postgres", "forward", all, { id: RESTORE, postgresAs: "files" });
    const on = { name: "again", volume: deployed.store, database: DATABASE };
    const again = await startThrowawayPostgres(docker, lives, deployed, names, on);
    expect(await readContent(again, DATABASE)).toMatchObject({
      memories: 1,
      identity: IDENTITY,
      indexed: true,
    });
    expect(await sql(again, "postgres", "SHOW wal_level; SHOW fsync")).toBe("replica\non");
    const left = (
      await lives.run({
        image: deployed.image,
        entrypoint: ["ls"],
        command: [POSTGRES_VOLUME],
        stores: { [POSTGRES_VOLUME]: deployed.store },
      })
    ).stdout;
    expect(left.trim().split("\n")).toEqual(["pgdata", `pgdata_before_${RESTORE}`]);
  });
});
