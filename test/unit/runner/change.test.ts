import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { scratchDirectory } from "../../harness/support/scratch.ts";
import { changedFiles, everything } from "../../runner/change.ts";

const room = scratchDirectory();

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(room.path, file)), { recursive: true });
  writeFileSync(path.join(room.path, file), text);
}

async function git(...args: string[]): Promise<void> {
  const author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
  await execa("git", [...author, ...args], { cwd: room.path });
}

async function commit(text: string): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", text);
}

beforeEach(async () => {
  await git("init", "--quiet", "--initial-branch=main");
  for (const file of [".gitignore", "kept.ts", "changed.ts", "staged.ts", "gone.ts"]) write(file, "made\n");
  write(".gitignore", "ignored/\n");
  await commit("first");
});

describe("the files of a change", () => {
  it("are those of its commits, and what is not committed: changed, staged, new and gone, without what git ignores", async () => {
    await git("switch", "--quiet", "--create", "change");
    write("of the commit.ts", "made\n");
    await commit("second");
    write("changed.ts", "another\n");
    write("staged.ts", "another\n");
    await git("add", "staged.ts");
    write("new/größe.ts", "made\n");
    write("ignored/x", "");
    rmSync(path.join(room.path, "gone.ts"));
    const uncommitted = ["changed.ts", "gone.ts", "new/größe.ts", "staged.ts"];
    expect(await changedFiles(room.path, "HEAD")).toEqual(uncommitted);
    expect(await changedFiles(room.path, "main")).toEqual([...uncommitted, "of the commit.ts"].sort());
  });

  it("since a commit that is none are not told, with the command that would", async () => {
    await expect(changedFiles(room.path, "nowhere")).rejects.toThrow(
      /^git does not tell what has changed since nowhere: fatal: [^\n]*nowhere[^\n]*$/,
    );
  });
});

describe("everything", () => {
  it("is every test file of a project, and every other part", async () => {
    write("test/unit/a/b.test.ts", "");
    write("test/engine/c.test.ts", "");
    write("test/unit/helper.ts", "");
    const all = everything(room.path);
    expect(await all.files("unit")).toEqual(["test/unit/a/b.test.ts"]);
    expect(await all.files("engine")).toEqual(["test/engine/c.test.ts"]);
    expect(all.runs("stores")).toBe(true);
  });
});
