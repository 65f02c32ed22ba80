import { chmodSync, chownSync, lchownSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { requireOwnDirectory } from "../../../../ops/base/own-directory.ts";
import type { Problem } from "../../../../ops/base/problem.ts";
import { withExfat } from "../../../harness/support/disks.ts";
import { needing } from "../../../harness/support/needing.ts";
import { scratchDirectory } from "../../../harness/support/scratch.ts";

const scratch = scratchDirectory();
const [ME, OTHER] = [501, 502];

/** A directory under the test's own, which is under /tmp. */
function directory(name: string, { mode = 0o700, uid }: { mode?: number; uid?: number } = {}): string {
  const made = path.join(scratch.path, name);
  mkdirSync(made, { recursive: true });
  chmodSync(made, mode);
  if (uid !== undefined) chownSync(made, uid, uid);
  return made;
}

function refusalOf(place: string, uid?: number): Problem | undefined {
  try {
    requireOwnDirectory(place, "the backup root", uid);
    return undefined;
  } catch (error) {
    return error as Problem;
  }
}

describe("a directory of one's own", () => {
  it("is one that nobody else may write to, below /tmp too, and one that is not there yet", () => {
    const own = directory("own", { mode: 0o755 });
    expect(requireOwnDirectory(own, "the backup root")).toEqual({ ownerless: false });
    expect(refusalOf(path.join(own, "not", "there"))).toBeUndefined();
  });

  it.each([0o770, 0o707, 0o777, 0o1777])(
    "is none with mode %o, and the command that mends it is told",
    (mode) => {
      const open = directory("open", { mode });
      expect(refusalOf(open)).toMatchObject({
        message: "the backup root may be written to by other users, who could change what lies there",
        where: open,
        mend: expect.stringMatching(new RegExp(`^chmod go-w ${open} `)),
      });
      chmodSync(open, mode & ~0o022);
      expect(refusalOf(open)).toBeUndefined();
    },
  );

  it("is none below a directory in which others may put another in its place, unless that is sticky", () => {
    const above = directory("above", { mode: 0o777 });
    const place = directory("above/place");
    expect(refusalOf(place)).toMatchObject({
      message: expect.stringMatching(/^a directory above the backup root may be written to by other users/),
      where: `${above}, above ${place}`,
    });
    expect(refusalOf(path.join(above, "not-there"))).toBeDefined();
    chmodSync(above, 0o1777);
    expect(refusalOf(place)).toBeUndefined();
  });

  it("is judged by where links lead, and by who may change the link", () => {
    const open = directory("open", { mode: 0o777 });
    const place = directory("place");
    symlinkSync(place, path.join(scratch.path, "good"));
    symlinkSync("open/../place", path.join(scratch.path, "through-open"));
    symlinkSync(place, path.join(open, "link"));
    expect(refusalOf(path.join(scratch.path, "good"))).toBeUndefined();
    expect(refusalOf(path.join(scratch.path, "through-open"))?.where).toContain(`${open}, above`);
    expect(refusalOf(path.join(open, "link"))?.where).toContain(`${open}, above`);
  });

  needing("root").it("is the user's or root's, above it too, and nobody else's", () => {
    const mine = directory("home", { uid: ME, mode: 0o755 });
    const theirs = directory("home/theirs", { uid: OTHER });
    expect(refusalOf(mine, ME)).toBeUndefined();
    expect(refusalOf(directory("home/roots", { uid: 0 }), ME)).toBeUndefined();
    expect(refusalOf(theirs, ME)).toMatchObject({
      message: `the backup root belongs to another user (uid ${OTHER}), who could change what lies there`,
      mend: expect.stringMatching(/^chown 0 .*theirs/),
    });
    expect(refusalOf(path.join(mine, "x"), OTHER)?.message).toMatch(/^a directory above .* \(uid 501\)/);
    const sticky = directory("sticky", { mode: 0o1777 });
    symlinkSync(directory("home/place", { uid: ME }), path.join(sticky, "link"));
    lchownSync(path.join(sticky, "link"), OTHER, OTHER);
    expect(refusalOf(path.join(sticky, "link"), ME)?.message).toContain(`(uid ${OTHER})`);
  });

  /** A directory in which others could write, on a disk that may know no owners. */
  function expectOwnerless(disk: string): void {
    const place = path.join(disk, "backups");
    mkdirSync(place);
    expect(requireOwnDirectory(place, "the backup root")).toEqual({ ownerless: true });
    expect(readdirSync(place)).toEqual([]);
  }

  needing("exFAT").it("is told apart from one on exFAT, which knows no owners", async () => {
    const place = path.join(scratch.path, "exfat");
    await withExfat(place, async () => expectOwnerless(place));
  });

  needing("a Mac's disks").it("is told apart from one on a share on which all is another one's", async () => {
    const [real, share] = [directory("real"), directory("share")];
    await execa("bindfs", [`--force-user=${OTHER}`, "--perms=a=rwX", "--chown-ignore", real, share]);
    try {
      expectOwnerless(share);
    } finally {
      await execa("umount", [share]);
    }
  });

  needing("root").it("is one on a read-only disk, whatever its modes say", async () => {
    const place = directory("disk");
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m,mode=777,ro", "tmpfs", place]);
    try {
      expect(refusalOf(place)).toBeUndefined();
    } finally {
      await execa("umount", [place]);
    }
  });
});
