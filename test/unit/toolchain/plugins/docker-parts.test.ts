import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { contextEntries } from "../../../../toolchain/plugins/docker/build-context.ts";
import { BuildLog } from "../../../../toolchain/plugins/docker/build-log.ts";
import { demultiplex } from "../../../../toolchain/plugins/docker/container-health.ts";
import { repoDigest } from "../../../../toolchain/plugins/docker/image.ts";
import { type Message, messagesOf } from "../../../../toolchain/plugins/docker/message-stream.ts";
import { DURATION, formatDuration, parseDuration } from "../../../../toolchain/plugins/schema/duration.ts";

describe("durations", () => {
  test.each([
    ["0s", 0],
    ["1ns", 1],
    ["1.5µs", 1_500],
    ["500ms", 500e6],
    ["1s", 1e9],
    ["2.5s", 2.5e9],
    ["1m0s", 60e9],
    ["1m30s", 90e9],
    ["1h0m0s", 3600e9],
    ["26h3m0.5s", 93_780.5e9],
  ])("%s is written as Go writes it", (text, nanoseconds) => {
    expect(formatDuration(nanoseconds)).toBe(text);
    expect(parseDuration(text)).toBe(nanoseconds);
  });

  test("every duration is read back as what it was", () => {
    fc.assert(
      // 100 days, as far as a number of nanoseconds stays exact.
      fc.property(fc.integer({ min: 0, max: 8_640_000_000_000_000 }), (nanoseconds) => {
        const text = formatDuration(nanoseconds);
        expect(text).toMatch(DURATION);
        expect(parseDuration(text)).toBe(nanoseconds);
      }),
    );
  });

  test.each(["", "10", "-1s", "1d", "s", "1s 2s"])("%j is no duration", (text) => {
    expect(DURATION.test(text)).toBe(false);
  });
});

describe("the build context", () => {
  async function entries(ignore: string, files: string[], dockerfile = "Dockerfile"): Promise<string[]> {
    const root = await mkdtemp(path.join(tmpdir(), "context-"));
    onTestFinished(() => rm(root, { recursive: true }));
    for (const file of files) {
      await mkdir(path.join(root, path.dirname(file)), { recursive: true });
      await writeFile(path.join(root, file), "");
    }
    if (ignore !== "") await writeFile(path.join(root, ".dockerignore"), ignore);
    return contextEntries(root, dockerfile);
  }

  test("is everything when nothing is ignored", async () => {
    expect(await entries("", ["a", "d/b"])).toEqual(["a", "d", "d/b"]);
  });

  test("leaves ignored directories behind, but for what is taken back", async () => {
    const files = ["Dockerfile", "src/a.py", "src/__pycache__/a.pyc", "docs/x.md", "docs/keep/y.md", "z.md"];
    expect(await entries("**/__pycache__\ndocs\n!docs/keep\n*.md\n", files)).toEqual([
      ".dockerignore",
      "Dockerfile",
      "docs/keep",
      "docs/keep/y.md",
      "src",
      "src/a.py",
    ]);
  });

  test("always holds the Dockerfile and .dockerignore, even out of an ignored directory", async () => {
    expect(await entries("*\n", ["docker/Dockerfile", "docker/other", "a"], "docker/Dockerfile")).toEqual([
      ".dockerignore",
      "docker/Dockerfile",
    ]);
  });
});

describe("the messages of a build", () => {
  async function collect(chunks: (string | Buffer)[]): Promise<Message[]> {
    const messages: Message[] = [];
    for await (const message of messagesOf(Readable.from(chunks), new AbortController().signal))
      messages.push(message);
    return messages;
  }

  test("are the same however the stream is cut", async () => {
    const sent: Message[] = [{ stream: "Step 1/2 : FROM x\n" }, { status: "pull", id: "ä" }, { error: "no" }];
    const bytes = Buffer.from(sent.map((message) => `${JSON.stringify(message)}\r\n`).join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length })), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(await collect(chunks.filter((chunk) => chunk.length > 0))).toEqual(sent);
      }),
    );
  });

  test("end when the signal fires", async () => {
    const stop = new AbortController();
    const endless = new Readable({ read() {} });
    endless.push('{"stream":"one"}\n');
    const seen = (async () => {
      for await (const _ of messagesOf(endless, stop.signal)) stop.abort(new Error("cancelled"));
    })();
    await expect(seen).rejects.toThrow("cancelled");
  });

  test("give lines with the step they belong to", () => {
    const log = new BuildLog();
    expect(log.add({ stream: "Step 2/3 : RUN make\n" })).toBe("Step 2/3 : RUN make");
    expect(log.add({ stream: "comp" })).toBeUndefined();
    expect(log.add({ stream: "iling\n" })).toBe("[2/3] compiling");
    expect(log.add({ stream: "10%\r\u001b[32m20%\u001b[0m\n" })).toBe("[2/3] 20%");
    expect(log.add({ id: "abc", status: "Extracting", progress: "[=>]" })).toBe("abc Extracting [=>]");
  });

  test("of a failed build end in the failed step and its last lines", () => {
    const log = new BuildLog();
    log.add({ stream: "Step 1/2 : RUN first\nnoise\n" });
    log.add({ stream: "Step 2/2 : RUN second\n" });
    for (let line = 1; line <= 100; line++) log.add({ stream: `line ${line}\n` });
    const text = log.failure("returned 1").split("\n");
    expect(text[0]).toBe("Step 2/2 : RUN second");
    expect(text.slice(-2)).toEqual(["line 100", "returned 1"]);
    expect(text).toHaveLength(32);
  });
});

test("a container's log is read out of Docker's frames", () => {
  const frame = (stream: number, text: string) => {
    const data = Buffer.from(text);
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(data.length, 4);
    return Buffer.concat([header, data]);
  };
  expect(demultiplex(Buffer.concat([frame(1, "out\n"), frame(2, "grün\n")]))).toBe("out\ngrün\n");
  expect(demultiplex(Buffer.alloc(0))).toBe("");
});

test("an image's digest is that of its own repository", () => {
  const digests = ["localhost:5000/x/y@sha256:1", "neo4j@sha256:2"];
  expect(repoDigest("neo4j:5.26", digests)).toBe("neo4j@sha256:2");
  expect(repoDigest("localhost:5000/x/y", digests)).toBe("localhost:5000/x/y@sha256:1");
  expect(repoDigest("built:1", [])).toBe("");
});
