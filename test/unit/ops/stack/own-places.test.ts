import { chmodSync, chownSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { strangePlaces } from "../../../../ops/stack/own-places.ts";
import { needing } from "../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const CONTAINERS = 10001;
const OTHER = 502;
const NAMES = {
  state: "the directory of stack test",
  data: "the data root (mem0:data.root)",
  backups: "the backup root (mem0:backup.root)",
  copies: "the directory for copies (mem0:backup.copyTo.path)",
};
const at = (...names: string[]) => path.join(scratch.path, ...names);
const look = () =>
  strangePlaces({
    stack: "test",
    stateDir: at("state"),
    dataRoot: at("data"),
    backup: { root: at("backups"), copyTo: { path: at("copies") } } as Parameters<
      typeof strangePlaces
    >[0]["backup"],
    runAs: { uid: CONTAINERS, gid: CONTAINERS },
  });

beforeEach(() => {
  for (const directory of ["state/secrets", "state/status", "data/postgres", "backups", "copies"])
    mkdirSync(at(directory), { recursive: true, mode: 0o700 });
});

describe("the directories that a stack writes to on this host", () => {
  it("are its user's own, or are made so", () => {
    expect(look()).toEqual([]);
  });

  it.each(Object.entries(NAMES))("are refused where others may write to %s", (directory, name) => {
    chmodSync(at(directory), 0o777);
    expect(look()[0]).toMatchObject({
      name,
      found: `${name} may be written to by other users, who could change what lies there (${at(directory)})`,
      mend: expect.stringContaining(`chmod go-w ${at(directory)}`),
    });
  });

  needing("root").it("are refused where one is another user's", () => {
    for (const [directory, name] of Object.entries(NAMES)) {
      chownSync(at(directory), OTHER, OTHER);
      expect(look()[0]).toMatchObject({
        name,
        found: expect.stringContaining(`another user (uid ${OTHER})`),
      });
      chownSync(at(directory), 0, 0);
    }
  });

  needing("root").it("may be the containers' own, as what they write to is", () => {
    for (const directory of ["data", "data/postgres", "state/status"])
      chownSync(at(directory), CONTAINERS, CONTAINERS);
    expect(look()).toEqual([]);
    chownSync(at("data/postgres"), OTHER, OTHER);
    expect(look()).toMatchObject([{ name: at("data/postgres") }]);
  });

  it("are those that the stack makes, and not what else lies under the data root", () => {
    mkdirSync(at("data", "pictures"));
    chmodSync(at("data", "pictures"), 0o777);
    expect(look()).toEqual([]);
  });

  it.each(["state/link", "data/neo4j"])("are reached through no link at %s", (link) => {
    mkdirSync(at("theirs"));
    symlinkSync(at("theirs"), at(link));
    expect(look()).toMatchObject([
      { name: at(link), found: expect.stringContaining("is a symbolic link, which is not followed") },
    ]);
  });
});
