import { readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { Tier } from "../../../../ops/backup/format/layout.ts";
import type { SealKey } from "../../../../ops/backup/format/seal.ts";
import { type Backup, isWhole, readBackup, readCatalogue } from "../../../../ops/backup/keep/catalogue.ts";
import { sealKeysOf } from "../../../../ops/backup/seal-keys.ts";
import { promote } from "../../../../ops/backup/take/sealing.ts";
import type { BackupStack } from "../../../harness/support/backup-stack.ts";
import { withExfat, withMount } from "../../../harness/support/disks.ts";
import { needing } from "../../../harness/support/needing.ts";

/** Where backups of a stack may lie, and may not. */
export function describePlaces(stack: BackupStack): void {
  describe("the copy elsewhere", () => {
    it("goes to a second root, whole", async () => {
      const second = stack.pathOf("second");
      const { backup, copyFailure } = await stack.take({ copyTo: { path: second } });
      expect(copyFailure).toBeUndefined();
      expect(readCatalogue(second, sealKeysOf(stack.deployed)).good.map(({ id }) => id)).toEqual([backup.id]);
      expect(stack.status.copy).toMatchObject({ result: "ok" });
    });

    needing("rclone").it("goes wherever rclone copies it, and is whole there", async () => {
      const remote = stack.pathOf("remote");
      const command = ["rclone", "--config", "", "copy", "{directory}", `${remote}/{tier}/{id}`];
      const { backup, copyFailure } = await stack.take({ copyTo: { command } });
      expect(copyFailure).toBeUndefined();
      await expectWhole(path.join(remote, "hourly", backup.id), backup.id);
    });

    needing("restic").it("goes into a repository of restic, and comes out whole", async () => {
      const restic = ["restic", "--no-cache", "--repo", stack.pathOf("repository")];
      restic.push("--password-file", stack.pathOf("restic-password"));
      writeFileSync(stack.pathOf("restic-password"), "a password of the tests", { mode: 0o600 });
      const [program = "", ...options] = restic;
      await execa(program, [...options, "init"]);
      const command = [...restic, "backup", "--tag", "{tier}", "{directory}"];
      const { backup, copyFailure } = await stack.take({ copyTo: { command } });
      expect(copyFailure).toBeUndefined();
      const target = stack.pathOf("out-of-restic");
      await execa(program, [...options, "restore", "latest", "--tag", "hourly", "--target", target]);
      await expectWhole(path.join(target, backup.directory), backup.id);
    });

    it("that fails is told, and leaves the backup good", async () => {
      const command = ["sh", "-c", 'echo "no route to $1" >&2; exit 7', "sh", "{tier}/{id}"];
      const { backup, copyFailure } = await stack.take({ copyTo: { command } });
      expect(copyFailure?.message).toBe(
        `the command that copies backups failed (exit code 7): no route to hourly/${backup.id}`,
      );
      expect(stack.catalogue.good.at(-1)?.id).toBe(backup.id);
      const { copy, tiers } = stack.status;
      expect([copy?.result, tiers.hourly?.lastRun.result]).toEqual(["failed", "ok"]);
    });
  });

  needing("root").describe("a backup root", () => {
    it("that is full keeps no half of a backup", async () => {
      const root = stack.pathOf("full");
      await withMount(["-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs"], root, async () => {
        await expect(stack.take({ root })).rejects.toThrow("the disk of the backups is full");
        expect(readCatalogue(root, [])).toMatchObject({ good: [], foreign: [], damaged: [], unfinished: [] });
        expect(await stack.isHeld()).toBe(false);
      });
    });

    it("that is read-only, or not mounted, is told apart", async () => {
      const root = stack.pathOf("sealed");
      await withMount(["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"], root, async () => {
        await stack.take({ root });
        await execa("mount", ["-o", "remount,ro", root]);
        await expect(stack.take({ root })).rejects.toThrow("the disk of the backups is read-only");
      });
      await expect(stack.take({ root })).rejects.toThrow("the backup root is not there");
      expect(readdirSync(root)).toEqual([]);
    });

    it("across whose tiers the system refuses a hard link gets copies", async () => {
      const root = stack.pathOf("mounts");
      const { backup } = await stack.take({ root });
      const hourly = path.join(root, "hourly");
      await withMount(["--bind", hourly], hourly, () =>
        expectCopies(root, backup, sealKeysOf(stack.deployed)),
      );
    });

    needing("exFAT").it("on exFAT gets copies, and others on the machine are said to read it", async () => {
      const root = stack.pathOf("exfat");
      const said: string[] = [];
      const report = (line: string) => said.push(line);
      await withExfat(root, async () => {
        const { backup } = await stack.take({ root }, { report });
        expect(said).toContain(
          `${root} keeps no permissions: everybody on this machine can read the backups; mem0:backup.recipients encrypts them`,
        );
        await expectCopies(root, backup, sealKeysOf(stack.deployed));
        said.length = 0;
        const recipients = [await identityToRecipient(await generateIdentity())];
        await stack.take({ root, recipients }, { report });
        expect(said.join()).not.toContain("keeps no permissions");
      });
    });
  });
}

async function expectWhole(directory: string, id: string, tier: Tier = "hourly"): Promise<void> {
  await execa("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: directory });
  expect(isWhole(readBackup({ id, tier, directory, suspect: false }, []))).toBe(true);
}

/** A backup that also stands in another tier, with bytes of its own there. */
async function expectCopies(root: string, backup: Backup, keys: readonly SealKey[]): Promise<void> {
  const weekly = await promote(root, backup, "weekly", keys[0]);
  await expectWhole(weekly, backup.id, "weekly");
  const file = backup.manifest.parts[0]?.file ?? "";
  expect(statSync(path.join(weekly, file)).nlink).toBe(1);
  expect(readCatalogue(root, keys)).toMatchObject({
    good: [{ tier: "hourly" }, { tier: "weekly" }],
    damaged: [],
    unfinished: [],
  });
}
