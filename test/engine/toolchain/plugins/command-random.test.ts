import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { beforeEach, expect, test } from "vitest";
import { type Outcome, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await Sandbox.create();
  return () => sandbox.dispose();
});

const told = (outcome: Outcome) => outcome.messages.map(({ text }) => text.trim()).join("\n");

test("a command runs at creation, change and removal, with its input, directory and previous output", async () => {
  const directory = path.join(sandbox.directory, "work");
  await mkdir(directory);
  const append = (word: string) =>
    `echo "${word} $WORD $(cat) $PULUMI_COMMAND_STDOUT" >> log; echo out-${word}; echo err >&2`;
  const program =
    (word: string, update = append("updated")) =>
    async () =>
      void new local.Command("cmd", {
        create: append("created"),
        update,
        delete: append("deleted"),
        dir: directory,
        environment: { WORD: word },
        stdin: "input",
      });
  const log = async () => (await readFile(path.join(directory, "log"), "utf8")).trim().split(/ *\n/);

  const created = await sandbox.up(program("one"));
  expect(told(created)).toMatch(/out-created/);
  expect((await sandbox.state("cmd")).outputs).toMatchObject({ stdout: "out-created", stderr: "err" });
  await sandbox.up(program("two"));
  await sandbox.destroy();
  expect(await log()).toEqual([
    "created one input",
    "updated two input out-created",
    "deleted two input out-updated",
  ]);
});

test("a failed command fails the up with what it printed, and leaves nothing in the state", async () => {
  const outcome = await sandbox.up(
    async () => void new local.Command("cmd", { create: "echo almost; echo not quite >&2; exit 4" }),
  );
  expect(told(outcome)).toMatch(/exit status 4: running "echo almost.*":\s+almost\s+not quite/);
  await expect(sandbox.state("cmd")).rejects.toThrow("no resource cmd");
});

test("another interpreter runs the command, and a directory that is not there is named", async () => {
  const fine = async () => {
    new local.Command("cmd", {
      create: "console.log(6 * 7)",
      interpreter: [process.execPath, "-e"],
      logging: "none",
    });
  };
  const outcome = await sandbox.up(fine);
  expect(outcome.error).toBeUndefined();
  expect(told(outcome)).not.toContain("42");
  expect((await sandbox.state("cmd")).outputs.stdout).toBe("42");
  const failed = await sandbox.up(
    async () => void new local.Command("other", { create: "true", dir: "/nowhere" }),
  );
  expect(told(failed)).toContain("cannot start /bin/sh in /nowhere: no such file or directory");
});

test("secrets reach a command, and neither the state nor the messages", async () => {
  const secret = `hidden-${sandbox.prefix}`;
  const outcome = await sandbox.up(
    async () =>
      void new local.Command("cmd", {
        create: 'echo "got $KEY"; cat',
        environment: { KEY: pulumi.secret(secret) },
        stdin: pulumi.secret(`line-${secret}`),
      }),
  );
  expect(outcome.error).toBeUndefined();
  expect(told(outcome)).toContain("got [secret]");
  expect(told(outcome)).not.toContain(secret);
  expect(JSON.stringify((await sandbox.state("cmd")).outputs.stdout)).toContain(secret);
  expect(await sandbox.storedState()).not.toContain(secret);
});

test("changed triggers run the creation again", async () => {
  const file = path.join(sandbox.directory, "count");
  await writeFile(file, "");
  const program = (trigger: unknown) => async () =>
    void new local.Command("cmd", { create: `echo x >> ${file}`, triggers: [trigger, "same"] });
  await sandbox.up(program(1));
  await sandbox.up(program(1));
  const outcome = await sandbox.up(program({ deep: [2] }));
  expect(outcome.steps.map(({ op }) => op)).toContain("replace");
  expect(await readFile(file, "utf8")).toBe("x\nx\n");
});

test("passwords are as wanted, encrypted in the state, and stay until something about them changes", async () => {
  const program = (length: number) => async () => {
    new random.RandomPassword("pw", {
      length,
      minUpper: 3,
      minNumeric: 4,
      minSpecial: 5,
      overrideSpecial: "_-",
    });
    new random.RandomId("rid", { byteLength: 4, prefix: "p-", keepers: { length: String(length) } });
  };
  const secrets = async () => {
    const { outputs } = await sandbox.state("pw");
    return outputs as { result: { plaintext: string }; bcryptHash: { plaintext: string } };
  };
  await sandbox.up(program(20));
  const { result, bcryptHash } = await secrets();
  const password: string = JSON.parse(result.plaintext);
  expect(password).toHaveLength(20);
  expect(password.match(/[A-Z]/g)?.length).toBeGreaterThanOrEqual(3);
  expect(password.match(/[0-9]/g)?.length).toBeGreaterThanOrEqual(4);
  expect(password.match(/[_-]/g)?.length).toBeGreaterThanOrEqual(5);
  expect(bcryptHash.plaintext).toMatch(/^"\$2[ab]\$10\$/);
  expect(await sandbox.storedState()).not.toContain(password);
  const id = (await sandbox.state("rid")).outputs.hex;

  expect(await sandbox.up(program(20))).toMatchObject({ steps: [] });
  expect((await secrets()).result).toEqual(result);
  const changed = await sandbox.up(program(21));
  expect(
    changed.steps
      .filter(({ op }) => op === "replace")
      .map(({ name }) => name)
      .sort(),
  ).toEqual(["pw", "rid"]);
  expect((await sandbox.state("rid")).outputs.hex).not.toBe(id);
});

test("a password and an id are imported by their value", async () => {
  const outcome = await sandbox.up(async () => {
    new random.RandomPassword("pw", { length: 8 }, { import: "s3cret-x" });
    new random.RandomId("rid", { byteLength: 3, prefix: "a,b" }, { import: "a,b,AQID" });
  });
  expect(outcome.error).toBeUndefined();
  const { outputs, id } = await sandbox.state("pw");
  expect({ id, result: (outputs.result as { plaintext: string }).plaintext }).toEqual({
    id: "none",
    result: '"s3cret-x"',
  });
  expect((await sandbox.state("rid")).outputs).toMatchObject({
    hex: "a,b010203",
    dec: "a,b66051",
    b64Std: "a,bAQID",
  });
});

// One at a time: after the first refusal the engine may end before it has heard of a second.
test("a password that cannot be is refused in the preview", async () => {
  const outcome = await sandbox.preview(async () => {
    new random.RandomPassword("short", { length: 4, minUpper: 5 });
  });
  expect(told(outcome)).toContain('"length" is 4, but the least numbers add up to 5.');
});
