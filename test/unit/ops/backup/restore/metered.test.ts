import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { PartFormat } from "../../../../../ops/backup/format/backup-manifest.ts";
import type { OpenPart } from "../../../../../ops/backup/format/part.ts";
import { metered } from "../../../../../ops/backup/restore/metered.ts";
import type { Restorable } from "../../../../../ops/backup/restore/restorable.ts";

const part = (file: string, content: string, format: PartFormat = "json"): OpenPart => ({
  part: { source: "stack", name: file, file, format, bytes: content.length, seconds: 0 },
  open: () => Readable.from([Buffer.from(content)]),
});

const backup: Restorable = {
  id: "20261124_120000",
  directory: "/backups/hourly/20261124_120000",
  manifest: undefined,
  sealed: "unsealed",
  postgres: { ...part("dump", "12"), rows: part("rows", "123") },
  files: { files: part("files", "1234"), log: part("log", "12345") },
  graph: { kind: "dumps", parts: [part("neo4j", "123456"), part("system", "1234567")] },
  history: part("history", "12345678"),
  others: [],
  lacks: [],
};

describe("a backup that is read with a meter", () => {
  it("gives the bytes that are in it, and tells of each part", async () => {
    const counted = new Map<string, number>();
    const { postgres, files, graph, history } = metered(backup, (file, bytes) =>
      counted.set(file, (counted.get(file) ?? 0) + bytes),
    );
    const dumps = graph?.kind === "dumps" ? graph.parts : [];
    const parts = [postgres, postgres?.rows, files?.files, files?.log, ...dumps, history];
    const read = await Promise.all(parts.map((one) => text(one?.open() ?? Readable.from([]))));
    expect(read).toEqual(["12", "123", "1234", "12345", "123456", "1234567", "12345678"]);
    expect(Object.fromEntries(counted)).toEqual({
      dump: 2,
      rows: 3,
      files: 4,
      log: 5,
      neo4j: 6,
      system: 7,
      history: 8,
    });
  });

  it("fails where the bytes cannot be read", async () => {
    const broken = {
      ...part("history", ""),
      open: () =>
        new Readable({
          read() {
            this.destroy(new Error("the disk is gone"));
          },
        }),
    };
    const { history } = metered({ ...backup, history: broken });
    await expect(text(history?.open() ?? Readable.from([]))).rejects.toThrow("the disk is gone");
  });
});
