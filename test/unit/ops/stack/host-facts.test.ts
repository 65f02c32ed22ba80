import { mkdirSync, symlinkSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { answers, isSameFile } from "../../../../ops/stack/host-facts.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

describe("two paths", () => {
  it("are one place when one leads to the other, and never when there is nothing", () => {
    const [data, link] = [path.join(scratch.path, "data"), path.join(scratch.path, "link")];
    mkdirSync(data);
    mkdirSync(path.join(scratch.path, "other"));
    symlinkSync(data, link);
    expect(isSameFile(data, `${data}/`)).toBe(true);
    expect(isSameFile(data, link)).toBe(true);
    expect(isSameFile(data, path.join(scratch.path, "other"))).toBe(false);
    expect(isSameFile("/nowhere/a", "/nowhere/b")).toBe(false);
  });
});

describe("a port", () => {
  it("answers as long as somebody listens on any address of this machine", async () => {
    const server = net.createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as net.AddressInfo;
    expect(await answers(port)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(await answers(port)).toBe(false);
  });
});
