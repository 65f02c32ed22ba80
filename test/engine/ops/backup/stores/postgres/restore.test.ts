import path from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PartFormat } from "../../../../../../ops/backup/format/backup-manifest.ts";
import type { OpenPart } from "../../../../../../ops/backup/format/part.ts";
import { readContent } from "../../../../../../ops/backup/stores/postgres/content.ts";
import { copyOver } from "../../../../../../ops/backup/stores/postgres/copy-over.ts";
import { createDatabase } from "../../../../../../ops/backup/stores/postgres/databases.ts";
import { makeTables, restoreDatabase } from "../../../../../../ops/backup/stores/postgres/restore.ts";
import {
  startThrowawayPostgres,
  type ThrowawayPostgres,
} from "../../../../../../ops/backup/stores/postgres/throwaway.ts";
import { readDump } from "../../../../../../ops/backup/stores/postgres/verify.ts";
import { connectDocker } from "../../../../../../ops/docker/client.ts";
import { execInContainer, streamFromExec } from "../../../../../../ops/docker/command.ts";
import { sql } from "../../../../../../ops/docker/psql.ts";
import { Throwaway } from "../../../../../../ops/docker/throwaway.ts";
import { readMachine } from "../../../../../../ops/stack/machine-file.ts";
import { CHECKOUT } from "../../../../../../toolchain/layout.ts";
import { deployedLike } from "../../../../../harness/support/deployed-like.ts";
import { FUNCTION } from "../../../../../harness/support/planted.ts";
import { Workbench } from "../../../../services/workbench.ts";

/** One throw-away server takes every dump of this file, each into a database of its own. */
const docker = connectDocker(readMachine(CHECKOUT).docker.host);
const bench = new Workbench();
let throwaway: Throwaway;
let server: ThrowawayPostgres;

beforeAll(async () => {
  const image = await bench.image("postgres");
  throwaway = await Throwaway.open(docker, { stack: "dumps", homeId: "tests" }, "restore");
  const names = { user: "mem0_user", collection: "memories" };
  server = await startThrowawayPostgres(docker, throwaway, deployedLike(image), names);
});

afterAll(async () => {
  await throwaway.remove();
  await bench.remove();
});

const ID = "00000000-0000-0000-0000-00000000000";
const TABLE = `CREATE TABLE public.memories (
    id uuid NOT NULL,
    vector public.vector(3),
    payload jsonb
);
`;
const ROWS = `COPY public.memories (id, vector, payload) FROM stdin;
${ID}1\t[1,2,3]\t{"data": "I keep bees\\\\nand a \\\\\\\\. cat", "user_id": "anna"}
${ID}2\t[4,5,6]\t{"data": "DROP TABLE memories;", "user_id": "bert"}
\\.
`;
const END = "--\n-- PostgreSQL database dump complete\n--\n";

/** As pg_dump writes one, with more before and behind. */
const dumpOf = (more = "", before = "") =>
  `SET client_encoding = 'UTF8';\n${before}\n${TABLE}\n${ROWS}\n${more}\n\n${END}`;

function part(name: string, format: PartFormat, open: () => Readable): OpenPart {
  return { part: { source: "postgres", name, file: `postgres/${name}`, format, bytes: 0, seconds: 0 }, open };
}

const sqlPart = (dump: string) => part("mem0.sql", "sql", () => Readable.from([Buffer.from(dump)]));

/** Restores a text, and returns what was said on the way. */
async function restored(dump: OpenPart, database: string, leaveOutUnknown = false): Promise<string> {
  const said: string[] = [];
  await restoreDatabase(server, dump, database, { leaveOutUnknown, report: (line) => said.push(line) });
  return said.join("\n");
}

const files = (name: string) =>
  execInContainer(docker, server.container, ["bash", "-c", `ls ${name} 2>/dev/null | wc -l`]);

const superusers = () =>
  sql(server, "postgres", "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper");

/** Names of all that is in a database and was not made by PostgreSQL or an extension. */
const things = (database: string) =>
  sql(
    server,
    database,
    `SELECT string_agg(name, ' ' ORDER BY name) FROM (
       SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('i', 't')
       UNION SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
       UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
       UNION SELECT evtname FROM pg_event_trigger
       UNION SELECT 'default of ' || relname FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid WHERE relname = 'memories'
       UNION SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace) all_names`,
  );

const OWN =
  "mem0_idempotency mem0_identity mem0_identity_only_one_check mem0_intents mem0_intents_seq_seq memories";

/** Each of these had an effect while the text of a dump was given to psql. */
const PLANTED = String.raw`\! touch /tmp/evil
\unrestrict a
COPY public.memories FROM PROGRAM 'touch /tmp/evil';
SET ROLE postgres;
SET SESSION AUTHORIZATION DEFAULT;
ALTER ROLE mem0_user SUPERUSER;
RESET ROLE;
DO $$ BEGIN EXECUTE 'CREATE TABLE evil (a int)'; END $$;
CREATE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE evil (); RETURN NULL; END $$;
CREATE FUNCTION public.truth(anyelement) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE public.memories ADD CONSTRAINT evil CHECK (public.truth(payload));
CREATE TRIGGER evil BEFORE INSERT ON public.memories FOR EACH ROW EXECUTE FUNCTION public.evil();
CREATE INDEX evil ON public.memories (public.truth(payload));
CREATE RULE evil AS ON INSERT TO public.memories DO INSTEAD NOTHING;
CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION public.evil();
ALTER TABLE ONLY public.memories ALTER COLUMN payload SET DEFAULT public.truth(NULL::text)::text::jsonb;
CREATE ROLE evil SUPERUSER LOGIN;
\connect postgres
\c template1
CREATE TABLE public.evil (a int);
`;

describe("a dump in SQL, made by anybody", () => {
  it("gives its rows as they are, into tables that the product makes", async () => {
    expect(await restored(sqlPart(dumpOf()), "plain")).toBe("");
    expect(await readContent(server, "plain")).toEqual({
      memories: 2,
      users: 2,
      dimensions: 3,
      identity: undefined,
      indexed: true,
    });
    const texts = await sql(server, "plain", "SELECT payload->>'data' FROM memories ORDER BY id");
    expect(texts).toBe("I keep bees\nand a \\. cat\nDROP TABLE memories;");
    expect(await things("plain")).toBe(OWN);
    const owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'";
    expect(await sql(server, "plain", owners)).toBe("mem0_user");
    expect(await sql(server, "plain", "SELECT rolname FROM pg_roles WHERE rolname LIKE '%loader%'")).toBe("");
  });

  it("runs nothing of what was planted in it, not even when it is restored without that", async () => {
    const withDefault = dumpOf(PLANTED, PLANTED).replace(
      "payload jsonb",
      "payload jsonb DEFAULT public.truth(1)",
    );
    const dump = sqlPart(withDefault);
    await expect(restored(dump, "planted")).rejects.toThrow("psql's command \\! touch /tmp/evil");
    expect(await sql(server, "postgres", "SELECT datname FROM pg_database WHERE datname = 'planted'")).toBe(
      "",
    );
    expect(await restored(dump, "planted", true)).toMatch(/^left out: .*the statement SET ROLE postgres;/);
    expect((await readContent(server, "planted")).memories).toBe(2);
    expect(await things("planted")).toBe(OWN);
    expect(await superusers()).toBe("postgres");
    expect((await files("/tmp/evil")).stdout.trim()).toBe("0");
    expect(await sql(server, "postgres", "SELECT to_regclass('evil')")).toBe("");
  });

  it("whose memories are a view has none, whoever wants to go on without it", async () => {
    const dump = sqlPart(`CREATE VIEW public.memories AS\n SELECT pg_read_file('/etc/passwd');\n\n${END}`);
    await expect(restored(dump, "view")).rejects.toThrow("view memories");
    await restored(dump, "view", true);
    expect((await readContent(server, "view")).dimensions).toBeUndefined();
  });

  it("brings the other collections of an old deployment along, and upstream's own", async () => {
    const others = ["memories_old", "mem0migrations"].map((name) =>
      dumpOf().replaceAll("public.memories", `public.${name}`),
    );
    expect(await restored(sqlPart(dumpOf(others.join("\n"))), "others")).toBe("");
    expect(await sql(server, "others", "SELECT count(*) FROM memories_old, mem0migrations")).toBe("4");
  });

  it("with a column that no stack has is refused, and without it its other columns come in", async () => {
    const dump = sqlPart(
      dumpOf()
        .replace("(id, vector, payload)", "(id, note, vector, payload)")
        .replace(/^(0000[^\t]*)\t/gm, "$1\tnoted\t"),
    );
    await expect(restored(dump, "column")).rejects.toThrow("columns of memories: note");
    await restored(dump, "column", true);
    expect(await readContent(server, "column")).toMatchObject({ memories: 2, users: 2 });
  });

  it("with a value that is not of its column's type is not taken, and the message has Postgres' reason", async () => {
    const dump = sqlPart(dumpOf().replace("[1,2,3]", "[1,2]"));
    await expect(restored(dump, "wrong")).rejects.toThrow("expected 3 dimensions, not 2");
    await expect(restored(sqlPart(`${TABLE}\n${ROWS.slice(0, 60)}`), "cut")).rejects.toThrow(
      "it ends in the middle of the rows of memories",
    );
    expect(await restored(sqlPart(`${TABLE}\n${ROWS}`), "cut")).toContain("does not end as a dump does");
  });
});

describe("a dump in pg_dump's own format", () => {
  const bytes = async (...command: string[]): Promise<Buffer> => {
    const { stream, done } = await streamFromExec(docker, server.container, command);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    await done;
    return Buffer.concat(chunks);
  };

  it("of a database in which somebody planted what runs gives its rows alone", async () => {
    const database = "source";
    await createDatabase(server, database);
    await makeTables(server, database, new Map([["memories", 3]]));
    await sql(
      server,
      database,
      `INSERT INTO memories VALUES ('${ID}1', '[1,2,3]', '{"user_id": "anna"}')`,
      "INSERT INTO mem0_intents (scope) VALUES ('a'), ('b')",
      "INSERT INTO mem0_identity (instance_id, embedder, dimensions) VALUES ('one|two', 'e', 3)",
      FUNCTION,
      "ALTER TABLE memories ADD CONSTRAINT evil CHECK (length(payload::text) > 0 OR evil())",
      "CREATE TRIGGER evil AFTER INSERT ON memories EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    );
    const dump = await bytes("pg_dump", "-U", "postgres", "-d", database, "--format=custom");
    const custom = part("mem0.dump", "pg-custom", () => Readable.from([dump]));
    await expect(restored(custom, "custom")).rejects.toThrow(/function evil\(\); trigger evil/);
    await restored(custom, "custom", true);
    expect(await readContent(server, "custom")).toMatchObject({
      memories: 1,
      identity: { instanceId: "one|two", embedder: "e", dimensions: 3 },
    });
    expect(await things("custom")).toBe(OWN);
    const next = "INSERT INTO mem0_intents (scope) VALUES ('c') RETURNING seq";
    expect(await sql(server, "custom", next)).toBe("3");
  });

  it("that is none, or is cut off, is not taken", async () => {
    const none = part("mem0.dump", "pg-custom", () => Readable.from([Buffer.from("no dump")]));
    await expect(restored(none, "none")).rejects.toThrow("pg_restore failed");
  });

  it("that unpacks to more than one of its size can hold is read to that bound and no further", async () => {
    await sql(
      server,
      "postgres",
      "CREATE TABLE bomb AS SELECT repeat('a', 1000000) FROM generate_series(1, 90)",
    );
    const bomb = await bytes(
      "pg_dump",
      "-U",
      "postgres",
      "-d",
      "postgres",
      "--format=custom",
      "--compress=zstd",
    );
    await sql(server, "postgres", "DROP TABLE bomb");
    const dump = part("mem0.dump", "pg-custom", () => Readable.from([bomb]));
    await expect(restored(dump, "bomb")).rejects.toThrow(/^the part unpacks to more than 64(\.\d)? MiB/);
    const reading = readDump(throwaway, deployedLike(await bench.image("postgres")), dump);
    await expect(reading).rejects.toMatchObject({
      message: expect.stringContaining("it unpacks to more than 67108864 bytes"),
      where: "postgres/mem0.dump",
    });
  });
});

describe("rows that were checked in a throw-away server", () => {
  it("are copied into a server that holds more, with indexes and numbers that go on", async () => {
    await restoreDatabase(server, sqlPart(dumpOf()), "checked", { searchable: false });
    const tables = {
      collections: new Map([["memories", 3]]),
      sequences: new Map([["mem0_intents_seq_seq", { value: "7", called: true }]]),
    };
    await copyOver(server, "checked", tables, server, "copied");
    expect(await readContent(server, "copied")).toMatchObject({ memories: 2, users: 2, indexed: true });
    expect(await sql(server, "copied", "INSERT INTO mem0_intents (scope) VALUES ('c') RETURNING seq")).toBe(
      "8",
    );
  });
});

describe("a throw-away server", () => {
  it("is without network, secrets, capabilities, and bounded", async () => {
    const { HostConfig, Config, Mounts } = await docker.getContainer(server.container).inspect();
    expect(HostConfig).toMatchObject({
      NetworkMode: "none",
      CapDrop: ["ALL"],
      ReadonlyRootfs: true,
      PidsLimit: 512,
    });
    expect(HostConfig.Memory).toBe(deployedLike("").memoryBytes);
    expect(Mounts.map(({ Destination }) => path.basename(Destination))).toEqual(["data"]);
    expect(Config.Env?.join("\n")).not.toMatch(/SECRET|METRICS|\/run\//);
  });
});
