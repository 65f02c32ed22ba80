import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { listDump } from "../../../../../../ops/backup/stores/postgres/listing.ts";
import { FUNCTION } from "../../../../../harness/support/planted.ts";

const list = (dump: string) => listDump(Readable.from([Buffer.from(dump)]), "memories");

/** What pg_dump 17.12 writes of a stack's database, and of one of the old guide's; shortened. */
const HONEST = String.raw`--
-- PostgreSQL database dump
--

\restrict Nf4nKr2cF

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
SET row_security = off;

--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';

CREATE TABLE public.mem0_intents (
    seq bigint NOT NULL,
    scope text NOT NULL
);
ALTER TABLE public.mem0_intents OWNER TO mem0_user_prd;

ALTER TABLE public.mem0_intents ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mem0_intents_seq_seq
    START WITH 1
);

CREATE TABLE public.mem0migrations (
    id uuid NOT NULL,
    vector public.vector(1536),
    payload jsonb
);

CREATE TABLE public.memories (
    id uuid NOT NULL,
    vector public.vector(384),
    payload jsonb
);

COPY public.mem0_intents (seq, scope) FROM stdin;
\.

COPY public.memories (id, vector, payload) FROM stdin;
1	[1]	{"data": "CREATE FUNCTION evil()"}
\.

SELECT pg_catalog.setval('public.mem0_intents_seq_seq', 12, true);

ALTER TABLE ONLY public.memories
    ADD CONSTRAINT memories_pkey PRIMARY KEY (id);

CREATE INDEX memories_hnsw_idx ON public.memories USING hnsw (vector public.vector_cosine_ops);
CREATE UNIQUE INDEX mine ON public.memories USING btree (id);
GRANT ALL ON SCHEMA public TO PUBLIC;

--
-- PostgreSQL database dump complete
--

\unrestrict Nf4nKr2cF
`;

describe("what a dump holds", () => {
  it("is told without anything unknown where a stack or an old deployment made it", async () => {
    expect(await list(HONEST)).toEqual({
      collections: new Map([
        ["mem0migrations", 1536],
        ["memories", 384],
      ]),
      sequences: new Map([["mem0_intents_seq_seq", { value: "12", called: true }]]),
      unknown: [],
      whole: true,
    });
  });

  it("is not whole when it does not end as a dump does", async () => {
    expect((await list(HONEST.replace("dump complete", ""))).whole).toBe(false);
  });

  it("is told also where it stands in one line, in other letters, and of an old pg_dump", async () => {
    const dump =
      "SET search_path = public, pg_catalog;\nCREATE TABLE memories (id uuid, vector vector(3), payload jsonb);\n";
    expect(await list(dump)).toMatchObject({ collections: new Map([["memories", 3]]), unknown: [] });
  });

  it.each([
    ["a command of psql", "\\! touch /tmp/evil\n", "psql's command \\! touch /tmp/evil"],
    ["one by its short name", "\\c postgres\n", "psql's command \\c postgres"],
    ["one that reads a file", "\\i /tmp/evil\n", "psql's command \\i /tmp/evil"],
    [
      "an event trigger",
      "CREATE EVENT TRIGGER evil ON ddl_command_end\n   EXECUTE FUNCTION public.evil();\n",
      "event trigger evil",
    ],
    [
      "a way to another database",
      "\\connect postgres\nCREATE TABLE public.evil (a int);\n",
      "\\connect postgres",
    ],
    [
      "a program",
      "COPY public.memories FROM PROGRAM 'touch /tmp/evil';\n",
      "COPY public.memories FROM PROGRAM",
    ],
    ["SET ROLE", "SET ROLE postgres;\nALTER ROLE mem0_user SUPERUSER;\n", "the statement SET ROLE postgres;"],
    ["RESET ROLE", "RESET ROLE;\nALTER USER mem0_user SUPERUSER;\n", "the statement RESET ROLE;"],
    [
      "SET SESSION AUTHORIZATION",
      "SET SESSION AUTHORIZATION DEFAULT;\nALTER SYSTEM SET archive_command = 'touch /tmp/evil';\n",
      "the statement SET SESSION AUTHORIZATION DEFAULT;",
    ],
    [
      "a block of code",
      "DO $$ BEGIN EXECUTE 'CREATE TABLE evil (a int)'; END $$;\n",
      "the statement DO $$ BEGIN",
    ],
    ["a function", FUNCTION, "function evil()"],
    [
      "a trigger",
      `${FUNCTION}\nCREATE TRIGGER evil BEFORE INSERT ON public.memories FOR EACH ROW EXECUTE FUNCTION public.evil();\n`,
      "trigger evil",
    ],
    [
      "an event trigger",
      `${FUNCTION}\nCREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION public.evil();\n`,
      "event trigger evil",
    ],
    ["a view", "CREATE VIEW public.evil AS\n SELECT 1;\n", "view evil"],
    ["a rule", "CREATE RULE evil AS\n    ON INSERT TO public.memories DO ALSO SELECT 1;\n", "rule evil"],
    [
      "a check",
      `${FUNCTION}\nALTER TABLE public.memories ADD CONSTRAINT evil CHECK (public.evil());\n`,
      "function evil()",
    ],
    [
      "a default",
      `${FUNCTION}\nALTER TABLE public.memories ALTER COLUMN payload SET DEFAULT public.evil();\n`,
      "function evil()",
    ],
    [
      "an index expression",
      `${FUNCTION}\nCREATE INDEX evil ON public.memories USING btree (public.evil());\n`,
      "function evil()",
    ],
    ["a type", "CREATE TYPE public.evil AS ENUM (\n    'a'\n);\n", "type evil"],
    ["an extension", "CREATE EXTENSION IF NOT EXISTS dblink WITH SCHEMA public;\n", "extension dblink"],
    [
      "a table",
      "CREATE TABLE public.evil (\n    a text\n);\nCOPY public.evil (a) FROM stdin;\nb\n\\.\n",
      "table evil",
    ],
    [
      "another schema",
      "CREATE SCHEMA evil;\nCREATE TABLE evil.memories (\n    a text\n);\n",
      "table evil.memories",
    ],
    ["a role", "CREATE ROLE evil SUPERUSER LOGIN;\n", "role evil"],
    [
      "rows as statements",
      `INSERT INTO public.memories VALUES ('1');\n`,
      "the statement INSERT INTO public.memories VALUES ('1');",
    ],
    [
      "a table of ours with more columns",
      "COPY public.mem0_identity (only_one, key) FROM stdin;\n\\.\n",
      "columns of mem0_identity: key",
    ],
    ["memories elsewhere", "COPY evil.memories (id) FROM stdin;\n\\.\n", "table evil.memories"],
    ["small letters", "create table evil (a int);\n", "the statement create table evil (a int);"],
  ])("names %s", async (_, planted, name) => {
    expect((await list(HONEST.replace("GRANT", () => `${planted}\nGRANT`))).unknown.join("; ")).toContain(
      name,
    );
  });

  it("is remembered as far as a person needs it, whatever a bomb repeats", async () => {
    const many = (line: (n: number) => string) => Array.from({ length: 5_000 }, (_, n) => line(n)).join("");
    const found = await list(
      many((n) => `CREATE TABLE evil${n} (a);\n`) +
        many((n) => `COPY public.memories${n} (id) FROM stdin;\n\\.\n`) +
        many((n) => `SELECT pg_catalog.setval('s${n}', 1, true);\n`),
    );
    for (const { length, size } of [found.unknown, found.collections, found.sequences] as {
      length?: number;
      size?: number;
    }[])
      expect(length ?? size).toBe(1_000);
    const tables = await list(many((n) => `COPY public.memories${n} (id) FROM stdin;\n\\.\n`));
    expect(tables.unknown).toEqual(["more than 1000 tables of memories"]);
  });

  it("names a function once, and not what stands inside of it", async () => {
    expect((await list(`${HONEST}\n${FUNCTION}\n`)).unknown).toEqual(["function evil()"]);
  });
});
