import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { outputTo } from "../../../../ops/base/output-file.ts";
import { ExitCode } from "../../../../ops/base/problem.ts";
import { fileInput, type ImportOptions, importLines } from "../../../../ops/server/import.ts";
import { exportTo } from "../../../../ops/server/transfer.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";
import { transferServer } from "../../../harness/support/transfer-server.ts";

const room = scratchDirectory();
const HEADER = '{"type":"header","format":1,"embedder":"e","dimensions":3}';
const memory = (user: string, text = "bees") =>
  JSON.stringify({ type: "memory", id: "1", memory: text, user_id: user });
const RELATION = '{"type":"relation","source":"a","relationship":"keeps","destination":"b","user_id":"me"}';
const end = (memories: number, relations: number) => JSON.stringify({ type: "end", memories, relations });
const quietly = () => {};

async function imported(content: string | Buffer, options: ImportOptions = {}) {
  const server = await transferServer();
  const input = Readable.from([Buffer.from(content)]);
  const result = await importLines(server.client, input, { name: "m.jsonl", ...options }, quietly);
  return { ...server, result };
}

async function refused(content: string | Buffer) {
  const server = await transferServer();
  const input = Readable.from([Buffer.from(content)]);
  const error = await importLines(server.client, input, { name: "m.jsonl" }, quietly).catch((cause) => cause);
  expect(error.name).toBe("Problem");
  return { error, ...server };
}

describe("an import", () => {
  it("takes memories and relations, and finds the end to tell as many", async () => {
    const { result, taken, headers } = await imported(
      [HEADER, memory("me"), RELATION, end(1, 1), ""].join("\n"),
    );
    expect(result).toMatchObject({ lines: 2, added: 1, relations: 1, failed: 0, whole: true, amiss: [] });
    expect(taken).toEqual([memory("me"), RELATION]);
    expect(headers).toEqual([HEADER]);
  });

  it("of one user tells apart what is others' and what nobody can read", async () => {
    const lines = [
      HEADER,
      memory("me"),
      memory("you"),
      "{broken",
      '{"no":"type"}',
      '{"type":"note"}',
      end(4, 0),
    ];
    const { result, taken } = await imported(lines.join("\n"), { user: "me" });
    expect(taken).toEqual([memory("me")]);
    expect(result).toMatchObject({ added: 1, others: 1, unreadable: 3, failed: 3 });
    expect(result.failures.map(({ line }) => line)).toEqual([4, 5, 6]);
    expect(result.failures[0]?.reason).toContain("not JSON");
  });

  it("of a line that is not UTF-8 changes no text by guessing", async () => {
    const spoilt = Buffer.concat([
      Buffer.from(`${HEADER}\n`),
      Buffer.from(memory("me", "x")),
      Buffer.from("\n"),
    ]);
    spoilt[spoilt.indexOf('"x"') + 1] = 0xff;
    const { result, taken } = await imported(spoilt);
    expect(taken).toEqual([]);
    expect(result.failures).toEqual([{ line: 2, reason: "it is not UTF-8" }]);
  });

  it("takes a text with a line separator inside whole", async () => {
    const line = memory("me", "one\u2028two");
    const { taken } = await imported(`${line}\n`);
    expect(taken).toEqual([line]);
  });

  it.each([
    ["another format", '{"type":"header","format":2}', "format 2"],
    ["no format", '{"type":"header"}', "format null"],
    ["another program", '{"version":3,"memories":[]}', "no type"],
    ["no JSON", "id,memory,user", "not JSON"],
  ])("refuses a file whose first line is of %s, and takes nothing of the rest", async (_, first, why) => {
    const { error, taken } = await refused([first, memory("me"), end(1, 0)].join("\n"));
    expect(error.message).toMatch(/nothing was taken: line 1/);
    expect(error.message).toContain(why);
    expect(error.where).toBe("m.jsonl, line 1");
    expect(taken).toEqual([]);
  });

  it("stops at a header of another format later on, and tells what it took before", async () => {
    const foreign = '{"type":"header","format":2}';
    const { error, taken } = await refused(
      [HEADER, memory("me"), end(1, 0), foreign, memory("you")].join("\n"),
    );
    expect(error.message).toMatch(/from here on .* line 4 .* taken before that: 1 memory added/);
    expect(taken).toEqual([memory("me")]);
  });

  it("of a packed file names the program that unpacks it", async () => {
    const { error, taken } = await refused(gzipSync(`${HEADER}\n${memory("me")}\n`));
    expect(error.message).toContain("gzip");
    expect(error.mend).toBe("gunzip -c m.jsonl | ./mem0 import -");
    expect(taken).toEqual([]);
    expect((await refused(Buffer.from(`\ufeff${HEADER}`, "utf16le"))).error.message).toContain("UTF-16");
  });

  it("passes over the mark that editors put before UTF-8", async () => {
    const { result, headers } = await imported(`\ufeff${HEADER}\n${memory("me")}\n${end(1, 0)}\n`);
    expect(result).toMatchObject({ added: 1, whole: true });
    expect(headers).toEqual([HEADER]);
  });

  it.each(["", "\n\n \n"])("refuses a file with nothing in it (%j)", async (content) => {
    expect((await refused(content)).error.message).toBe("there is nothing in it");
  });

  it("finds an end that tells another number than came", async () => {
    const { result } = await imported([HEADER, memory("me"), RELATION, end(2, 1)].join("\n"));
    expect(result.whole).toBe(false);
    expect(result.amiss).toEqual([expect.stringMatching(/line 4 tells 2 memories .* before it are 1 and 1/)]);
  });

  it("finds an export that was cut off, also when another follows it", async () => {
    const whole = [HEADER, memory("me"), end(1, 0)];
    for (const lines of [whole.slice(0, 2), [...whole.slice(0, 2), ...whole]]) {
      const { result } = await imported(lines.join("\n"));
      expect(result).toMatchObject({ whole: false, amiss: [expect.stringContaining("no end")] });
    }
    expect((await imported([...whole, ...whole].join("\n"))).result.whole).toBe(true);
  });

  it("of lines without header and end asks for none", async () => {
    expect((await imported(`${memory("me")}\n`)).result).toMatchObject({ whole: undefined, amiss: [] });
  });

  it("of no file, or of a directory, is a wrong call", () => {
    expect(() => fileInput(room.path)).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }));
    expect(() => fileInput(path.join(room.path, "no"))).toThrow("no such file");
  });
});

describe("an export", () => {
  const wanted = [HEADER, memory("me", "one\u2028two\u2029three"), end(1, 0), ""].join("\n");

  it("is written as the server sends it, with what JSON allows inside a line", async () => {
    const { client } = await transferServer(wanted);
    const file = path.join(room.path, "out");
    expect(await exportTo(client, outputTo(file), {}, quietly)).toEqual({ memories: 1, relations: 0 });
    expect(readFileSync(file, "utf8")).toBe(wanted);
  });

  it("to standard output is the same JSON, without what a terminal would obey", async () => {
    const line = '{"type":"memory","id":"1","memory":"\u009b2J \u202e","user_id":"me"}';
    const { client } = await transferServer([HEADER, line, end(1, 0), ""].join("\n"));
    let written = "";
    const write = async (pieces: AsyncIterable<string | Uint8Array>) => {
      for await (const piece of pieces) written += piece.toString();
    };
    await exportTo(client, { where: "standard output", standard: true, write }, {}, quietly);
    expect(written).not.toMatch(/[\u009b\u202e]/);
    expect(JSON.parse(written.split("\n")[1] ?? "")).toEqual(JSON.parse(line));
  });

  it("without its end is no file, and what was there before stays", async () => {
    const { client } = await transferServer(`${HEADER}\n`);
    const file = path.join(room.path, "out");
    writeFileSync(file, "old");
    await expect(exportTo(client, outputTo(file, { force: true }), {}, quietly)).rejects.toThrow(
      "broke off before its end",
    );
    expect(readFileSync(file, "utf8")).toBe("old");
  });
});
