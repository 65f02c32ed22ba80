import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import * as docker from "@pulumi/docker";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { baseImage, docker as engine, type Outcome, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
let base: string;

beforeAll(async () => {
  base = await baseImage();
});

beforeEach(async () => {
  sandbox = await Sandbox.create();
  return () => sandbox.dispose();
});

/** Writes a build context; `FROM` the base image comes first. */
async function context(dockerfile: string, files: Record<string, string> = {}): Promise<string> {
  const directory = path.join(sandbox.directory, "context");
  for (const [name, content] of Object.entries({ Dockerfile: `FROM ${base}\n${dockerfile}\n`, ...files })) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), content);
  }
  return directory;
}

function image(args: Omit<docker.RemoteImageArgs, "name">): docker.RemoteImage {
  return new docker.RemoteImage("img", { name: `${sandbox.prefix}:1`, keepLocally: true, ...args });
}

const told = (outcome: Outcome) => outcome.messages.map(({ text }) => text.trim()).join("\n");

test("a changed trigger builds again and replaces the containers of the old image", async () => {
  const directory = await context("COPY a.txt /a.txt", { "a.txt": "one" });
  const program = (hash: string) => async () => {
    const { imageId } = image({ build: { context: directory }, triggers: { hash } });
    const name = `${sandbox.prefix}-c`;
    new docker.Container("c", { name, image: imageId, command: ["sleep", "infinity"], networkMode: "none" });
  };
  const first = await sandbox.up(program("1"));
  expect(first.error).toBeUndefined();
  expect(told(first)).toMatch(/^Step 1\/2 : FROM/m);
  const before = await engine.getContainer(`${sandbox.prefix}-c`).inspect();

  await context("COPY a.txt /a.txt", { "a.txt": "two" });
  expect(await sandbox.preview(program("1"))).toMatchObject({ steps: [] });
  const again = await sandbox.up(program("2"));
  expect(again.error).toBeUndefined();
  const after = await engine.getContainer(`${sandbox.prefix}-c`).inspect();
  expect(after.Id).not.toBe(before.Id);
  expect(after.Image).toBe((await engine.getImage(`${sandbox.prefix}:1`).inspect()).Id);
  expect(after.Image).not.toBe(before.Image);
  expect(await sandbox.refresh()).toMatchObject({ steps: [] });
  await engine.getImage(before.Image).remove();
});

test("a failed build shows the failed step and the last it said", async () => {
  const directory = await context('RUN echo fine\nRUN echo "cannot go on: no $WHAT"; exit 9');
  const outcome = await sandbox.up(async () => void image({ build: { context: directory } }));
  expect(outcome.error).toBeDefined();
  expect(told(outcome)).toMatch(
    /building image \S+: the build failed:\s+Step 3\/3 : RUN echo.*\s+.*Running in.*\s+cannot go on: no\s+.*returned a non-zero code: 9/,
  );
});

test("build arguments, stage and .dockerignore are honoured", async () => {
  const directory = await context(
    "AS kept\nARG WORD\nRUN echo $WORD > /word\nCOPY . /all\nFROM kept\nRUN false",
    {
      ".dockerignore": "*.log\nnode_modules\nsecret\n!secret/public.txt\n",
      "a.log": "",
      "b.txt": "",
      "node_modules/x/index.js": "",
      "secret/key": "",
      "secret/public.txt": "",
    },
  );
  const dockerfile = `FROM ${base} AS kept\nARG WORD\nRUN echo $WORD > /word\nCOPY . /all\nFROM kept\nRUN false\n`;
  await writeFile(path.join(directory, "Dockerfile"), dockerfile);
  const build = { context: directory, target: "kept", buildArgs: { WORD: "spoken" } };
  const command = ["sh", "-c", "cat /word; cd /all; find . -type f | sort; sleep infinity"];
  const outcome = await sandbox.up(async () => {
    const { imageId } = image({ build });
    new docker.Container("c", {
      name: `${sandbox.prefix}-c`,
      image: imageId,
      command,
      networkMode: "none",
      tty: true,
    });
  });
  expect(outcome.error).toBeUndefined();
  await expect
    .poll(async () => {
      const log = await engine.getContainer(`${sandbox.prefix}-c`).logs({ stdout: true });
      return log.toString().trim().split(/\s+/);
    })
    .toEqual(["spoken", "./.dockerignore", "./Dockerfile", "./b.txt", "./secret/public.txt"]);
});

test("an image without a build is found by its name, and a name that is nowhere fails", async () => {
  const found = await sandbox.up(async () => {
    new docker.RemoteImage("img", { name: base, keepLocally: true });
  });
  expect(found.error).toBeUndefined();
  expect((await sandbox.state("img")).outputs.imageId).toBe((await engine.getImage(base).inspect()).Id);

  const missing = "localhost:9/nobody/has-this:1";
  const failed = await sandbox.up(
    async () => void new docker.RemoteImage("img", { name: missing, keepLocally: true }),
  );
  expect(failed.error).toBeDefined();
  expect(told(failed)).toContain(`finding image ${missing}: Docker answers (`);
  expect(await engine.getImage(base).inspect()).toBeDefined();
});

test("without keepLocally the image goes with the resource, and a refresh finds one that is gone", async () => {
  const directory = await context("RUN echo mine > /mine");
  const program = async () => void image({ build: { context: directory }, keepLocally: false });
  await sandbox.up(program);
  await engine.getImage(`${sandbox.prefix}:1`).remove();
  expect(await sandbox.refresh()).toMatchObject({ steps: [{ name: "img", op: "delete" }] });
  await sandbox.up(program);
  await sandbox.destroy();
  await expect(engine.getImage(`${sandbox.prefix}:1`).inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test("a context that is not there fails before Docker is asked", async () => {
  const outcome = await sandbox.up(async () => void image({ build: { context: "/nowhere" } }));
  expect(told(outcome)).toContain('"build.context": there is no directory /nowhere.');
});
