import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { stackDirectory } from "../../../../ops/stack/manifest-file.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

/** A stack that was deployed under the scratch directory. */
function deploy(other: Parameters<typeof exampleManifest>[0] = {}): DeployedStack {
  const directory = stackDirectory(scratch.path, "test");
  mkdirSync(path.join(directory, "secrets"), { recursive: true });
  writeFileSync(path.join(directory, "manifest.json"), JSON.stringify(exampleManifest(other)));
  return DeployedStack.read(scratch.path, "test");
}

describe("a deployed stack", () => {
  it("lies where its manifest was found, wherever its secret files are", () => {
    const stack = deploy({ secretFiles: { api_key: "/elsewhere/secrets/api_key" } });
    expect([stack.name, stack.directory]).toEqual(["test", path.join(scratch.path, "stacks", "test")]);
  });

  it("names the container, the ports and the secrets of its services", () => {
    const file = path.join(scratch.path, "password");
    writeFileSync(file, "s3cret\n");
    const postgres = { container: "mem0_postgres_test", image: "i", ports: { postgres: 5433 } };
    const stack = deploy({ services: { postgres }, secretFiles: { postgres_password: file } });
    expect(stack.container("postgres")).toBe("mem0_postgres_test");
    expect(stack.port("postgres", "postgres")).toBe(5433);
    expect(stack.secret("postgres_password")).toBe("s3cret");
  });

  it.each([
    ["container of neo4j", (stack: DeployedStack) => stack.container("neo4j")],
    ["port bolt of neo4j", (stack: DeployedStack) => stack.neo4j],
    ["port http of server", (stack: DeployedStack) => stack.server],
    ["secret file api_key", (stack: DeployedStack) => stack.secret("api_key")],
  ])("says which %s its manifest lacks, and how to get it", (what, ask) => {
    const problem = { message: `the manifest names no ${what}`, mend: "./mem0 up test" };
    expect(() => ask(deploy())).toThrow(expect.objectContaining(problem));
  });

  it("says so when a secret file is gone, or it was deployed before there were backups", () => {
    const file = path.join(scratch.path, "gone");
    const stack = deploy({ secretFiles: { api_key: file } });
    const gone = { message: "the secret file api_key cannot be read", where: file, mend: "./mem0 up test" };
    expect(() => stack.secret("api_key")).toThrow(expect.objectContaining(gone));
    expect(() => stack.backup).toThrow("stack test was deployed before there were backups");
  });

  it("that was deployed before there was a role that only reads names it, and how to get it", async () => {
    const problem = { message: "the manifest names no role that only reads", mend: "./mem0 up test" };
    await expect(deploy().reader()).rejects.toMatchObject(problem);
  });

  it("makes each client once, and again after it was closed", async () => {
    const file = path.join(scratch.path, "password");
    writeFileSync(file, "s3cret");
    const neo4j = { container: "n", image: "i", ports: { bolt: 7687 } };
    const stack = deploy({ services: { neo4j }, secretFiles: { neo4j_password: file } });
    const first = stack.neo4j;
    expect(stack.neo4j).toBe(first);
    await stack.close();
    expect(stack.neo4j).not.toBe(first);
    await stack.close();
  });
});
