import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchArchive } from "../../../toolchain/archive.ts";

let directory: string;
let server: http.Server;
let address: string;
let checksum: string;

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), "mem0-archive-"));
  mkdirSync(path.join(directory, "pulumi"));
  writeFileSync(path.join(directory, "pulumi", "pulumi"), "the CLI");
  execFileSync("tar", ["-czf", "whole.tar.gz", "pulumi"], { cwd: directory });
  const archive = readFileSync(path.join(directory, "whole.tar.gz"));
  checksum = createHash("sha256").update(archive).digest("hex");
  server = http.createServer((request, response) => {
    if (request.url === "/whole.tar.gz") return response.writeHead(200).end(archive);
    if (request.url === "/cut.tar.gz") {
      response.writeHead(200, { "content-length": archive.length });
      return response.write(archive.subarray(0, 20), () => response.destroy());
    }
    return response.writeHead(404).end("not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

/** An empty directory to unpack into. */
function target(name: string): string {
  const made = path.join(directory, name);
  mkdirSync(made);
  return made;
}

describe("an archive", () => {
  it("is unpacked without its outermost folder", async () => {
    const into = target("whole");
    await fetchArchive(`${address}/whole.tar.gz`, checksum, into, () => undefined);
    expect(readFileSync(path.join(into, "pulumi"), "utf8")).toBe("the CLI");
    expect(readdirSync(directory)).not.toContain("whole.tar");
  });

  it("that is another one than was pinned is not unpacked, and leaves nothing", async () => {
    const into = target("other");
    const other = createHash("sha256").update("another").digest("hex");
    await expect(fetchArchive(`${address}/whole.tar.gz`, other, into, () => undefined)).rejects.toMatchObject(
      {
        message: "whole.tar.gz is not what it should be: its checksum differs",
      },
    );
    expect(readdirSync(into)).toEqual([]);
    expect(readdirSync(directory)).not.toContain("other.tar.gz");
  });

  it.each([
    ["that is not there", "gone.tar.gz"],
    ["whose download is cut off", "cut.tar.gz"],
  ])("%s is an error that names it and the other way, and leaves nothing", async (_what, file) => {
    const into = target(file);
    await expect(fetchArchive(`${address}/${file}`, checksum, into, () => undefined)).rejects.toMatchObject({
      message: `${file} could not be downloaded`,
      where: `${address}/${file}`,
      mend: expect.stringContaining("--way registries"),
    });
    expect(readdirSync(into)).toEqual([]);
    expect(readdirSync(directory)).not.toContain(`${file}.tar.gz`);
  });
});
