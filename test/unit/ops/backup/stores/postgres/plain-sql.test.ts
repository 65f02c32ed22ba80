import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withoutOwners } from "../../../../../../ops/backup/stores/postgres/plain-sql.ts";

const filter = (sql: string, size = sql.length || 1) => {
  const bytes = Buffer.from(sql);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  return text(Readable.from(chunks).pipe(withoutOwners()));
};

describe("a plain dump of another stack", () => {
  it("loses what names roles that are not here, and nothing else", async () => {
    const dump = [
      "CREATE TABLE public.memories (id uuid NOT NULL);",
      "ALTER TABLE public.memories OWNER TO mem0_user_prd;",
      "GRANT SELECT ON TABLE public.memories TO grafana;",
      "ALTER TABLE ONLY public.memories ADD CONSTRAINT memories_pkey PRIMARY KEY (id);",
      "",
    ].join("\n");
    expect(await filter(dump)).toBe(
      "CREATE TABLE public.memories (id uuid NOT NULL);\n" +
        "ALTER TABLE ONLY public.memories ADD CONSTRAINT memories_pkey PRIMARY KEY (id);\n",
    );
  });

  it("keeps a memory that reads like such a statement", async () => {
    const dump =
      "COPY public.memories (id, payload) FROM stdin;\nGRANT ALL ON memories TO me;\n\\.\nREVOKE ALL ON x FROM y;\n";
    expect(await filter(dump)).toBe(
      "COPY public.memories (id, payload) FROM stdin;\nGRANT ALL ON memories TO me;\n\\.\n",
    );
  });

  it("comes out the same however it is cut into pieces, with rows as they were", async () => {
    const row = fc.string({ unit: "binary" }).map((value) => value.replace(/[\n\\]/g, "."));
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.integer({ min: 1, max: 40 }), async (rows, size) => {
        const kept = `COPY t (a) FROM stdin;\n${rows.map((one) => `${one}\n`).join("")}\\.\nSELECT 1;`;
        expect(await filter(`ALTER TABLE t OWNER TO x;\n${kept}`, size)).toBe(kept);
      }),
      { numRuns: 50 },
    );
  });
});
