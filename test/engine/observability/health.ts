import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { health } from "../../../ops/health/health.ts";
import { downType } from "../../../ops/health/health-check.ts";
import { DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { waitFor } from "../../harness/support/eventually.ts";
import { docker, type WatchedStack } from "../../harness/support/watched-stack.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** Where a Linux host has a small disk that everybody may write to. */
const SMALL_DISK = "/dev/shm";

/** What health finds wrong in a stack and nothing else explains, by the type of its alert. */
export async function foundWrong(stack: DeployedStack): Promise<string[]> {
  const { checks } = await health(stack);
  return checks.filter(({ ok, because }) => !ok && because === undefined).map(({ type }) => type);
}

/** What `./mem0 health` finds in a stack that runs; that of its stores and its server stands with their deaths. */
export function describeHealth(stack: () => WatchedStack): void {
  describe("./mem0 health", () => {
    const well = async () => (await foundWrong(stack().deployed)).length === 0;

    it("finds all well in less than 3 s, and writes nothing that stays", async () => {
      await waitFor("all to be well", well);
      const rows = () => stack().sql("SELECT count(*), count(DISTINCT payload->>'user_id') FROM memories");
      const before = await rows();
      const report = await health(stack().deployed);
      expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(report.seconds).toBeLessThan(3);
      expect(report.checks.find(({ name }) => name === "canary")?.found).toContain("found by meaning");
      expect(await rows()).toBe(before);
    });

    it.each(["gate", "model", "prometheus", "metrics_exporter"])(
      "finds that %s is down, and nothing else",
      async (service) => {
        await docker("kill", stack().container(service));
        try {
          expect(await foundWrong(stack().deployed)).toEqual([downType(service)]);
        } finally {
          await docker("start", stack().container(service));
        }
        await waitFor("all to be well again", well);
      },
    );

    it("finds a password that is not the database's", async () => {
      const { database, secretFiles } = stack().manifest;
      const set = (password: string) => stack().sql(`ALTER ROLE ${database.user} PASSWORD '${password}'`);
      await set("another");
      try {
        expect(await foundWrong(stack().deployed)).toEqual(["postgresql_connection"]);
      } finally {
        await set(readFileSync(secretFiles.postgres_password ?? "", "utf8").trim());
      }
      expect(await foundWrong(stack().deployed)).toEqual([]);
    });

    it("finds a disk that fills up", async () => {
      const root = mkdtempSync(path.join(SMALL_DISK, "mem0-health-"));
      try {
        const { bavail, bsize } = statfsSync(root);
        const { manifest, directory } = stack().deployed;
        const backup = { ...stack().deployed.backup, root };
        const observability = { ...manifest.observability, diskFreeGb: (bavail * bsize - 8 * MIB) / GIB };
        const small = new DeployedStack({ ...manifest, backup, observability } as typeof manifest, directory);
        expect(await foundWrong(small)).toEqual([]);
        writeFileSync(path.join(root, "full"), Buffer.alloc(16 * MIB));
        expect(await foundWrong(small)).toEqual(["disk_space_low"]);
      } finally {
        rmSync(root, { recursive: true });
      }
    });
  });
}
