import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkRoot, ensureRoot, unwritable } from "../../../../../ops/backup/keep/root.ts";
import { needing } from "../../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../../harness/support/scratch.ts";

const scratch = scratchDirectory();

function owner(stack = "prd") {
  return { stack, instanceId: "i-1", stateDir: path.join(scratch.path, "state", stack) };
}

describe("a backup root", () => {
  it("is made one at its first use, once", () => {
    const root = path.join(scratch.path, "disk", "backups");
    expect(ensureRoot(root, owner())).toMatchObject({ made: true });
    expect(ensureRoot(root, owner())).toMatchObject({ made: false });
    expect(existsSync(path.join(root, ".mem0-backup-root"))).toBe(true);
  });

  it("that has lost its marker is an empty mount point, and nothing is written to it", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    rmSync(root, { recursive: true });
    mkdirSync(root);
    expect(() => ensureRoot(root, owner())).toThrow("the backup root is not there");
    expect(existsSync(path.join(root, ".mem0-backup-root"))).toBe(false);
  });

  it("that was brought to this host with its backups is taken as it is", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    const elsewhere = { ...owner(), stateDir: path.join(scratch.path, "another-state") };
    expect(ensureRoot(root, elsewhere)).toMatchObject({ made: false });
  });

  it("that may not be looked at is not taken for one whose disk is away", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    rmSync(root, { recursive: true });
    // A link to itself answers with an error other than "not there", as macOS does without Full Disk Access.
    symlinkSync(root, root);
    expect(() => ensureRoot(root, owner())).toThrow("it cannot be told whether this is there (ELOOP)");
  });

  it("that others may write to is refused before anything is written or read", () => {
    const root = path.join(scratch.path, "disk");
    mkdirSync(root);
    chmodSync(root, 0o777);
    expect(() => ensureRoot(root, owner())).toThrow("the backup root may be written to by other users");
    expect(readdirSync(root)).toEqual([]);
    chmodSync(root, 0o700);
    ensureRoot(root, owner());
    chmodSync(root, 0o770);
    expect(() => checkRoot(root, owner())).toThrow("the backup root may be written to by other users");
  });

  needing("root").it("of another user is refused before anything is written or read", () => {
    const root = path.join(scratch.path, "disk");
    mkdirSync(root);
    chownSync(root, 502, 502);
    expect(() => ensureRoot(root, owner())).toThrow("the backup root belongs to another user (uid 502)");
    expect(readdirSync(root)).toEqual([]);
  });

  it("whose marker is a link is refused, and what that leads to is not read", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    const marker = path.join(root, ".mem0-backup-root");
    renameSync(marker, path.join(scratch.path, "theirs"));
    symlinkSync(path.join(scratch.path, "theirs"), marker);
    expect(() => checkRoot(root, owner())).toThrow(
      ".mem0-backup-root is a symbolic link, which is not followed",
    );
  });

  it("of another stack is refused", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    expect(() => ensureRoot(root, owner("test"))).toThrow("the backup root belongs to stack prd, not test");
  });

  it("with a damaged marker is refused", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    writeFileSync(path.join(root, ".mem0-backup-root"), "{");
    expect(() => ensureRoot(root, owner())).toThrow("the marker of the backup root cannot be read");
  });

  it.each([
    ["ENOSPC", "the disk of the backups is full"],
    ["EROFS", "the disk of the backups is read-only"],
    ["EACCES", "the backup root may not be written to"],
    ["EPERM", "the backup root may not be written to"],
    ["EFBIG", "the backup root cannot be written to (EFBIG)"],
  ])("that answers %s is explained", (code, text) => {
    const problem = unwritable("/backups", Object.assign(new Error(code), { code }));
    expect(problem.message).toBe(text);
    expect(problem.mend).not.toBe("");
  });

  it("that is full tells the verb for its own stack", () => {
    const root = path.join(scratch.path, "disk");
    ensureRoot(root, owner());
    const problem = unwritable(root, Object.assign(new Error(), { code: "ENOSPC" }));
    expect(problem.mend).toBe("free space there, or prune: ./mem0 backups prd --prune");
  });
});
