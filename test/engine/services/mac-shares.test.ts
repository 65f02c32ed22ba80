import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { withMacShare } from "../../harness/support/mac-disks.ts";
import { needing } from "../../harness/support/needing.ts";
import { scratchDirectory } from "../../harness/support/scratch.ts";
import { type RunOptions, Workbench } from "./workbench.ts";

const DATA = "/var/lib/postgresql/data";
const [ROLE, DATABASE] = ["mem0_user", "mem0_test"];

const bench = new Workbench();
const scratch = scratchDirectory();
const password = bench.secret("password").file;

afterAll(() => bench.remove());

/** Postgres on `place`, as the first user of a Mac: its number is 501. */
async function postgresOn(place: string): Promise<RunOptions> {
  return {
    image: await bench.image("postgres"),
    user: "501:20",
    env: { POSTGRES_DB: DATABASE, POSTGRES_USER: ROLE, POSTGRES_PASSWORD_FILE: "/run/secrets/password" },
    volumes: [`${place}:${DATA}`, `${password}:/run/secrets/password:ro`],
    tmpfs: ["/tmp", "/var/run/postgresql"],
  };
}

needing("a Mac's disks").describe(
  "Postgres on a directory that a Mac shares with Docker's virtual machine",
  () => {
    it("starts, and starts again, where whoever looks owns everything and nobody may change owners", async () => {
      const [directory, place] = [path.join(scratch.path, "mac"), path.join(scratch.path, "share")];
      await withMacShare(directory, place, { uid: 501 }, async () => {
        const container = await bench.start(await postgresOn(place));
        const ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-U", ROLE, "-d", DATABASE];
        await container.untilSucceeds(...ready);
        expect(await container.stop(60)).toBe(0);
        await container.startAgain();
        await container.untilSucceeds(...ready);
        await container.remove();
      });
    });

    it("is refused with a word on what to do where root owns it all", async () => {
      const [directory, place] = [path.join(scratch.path, "mac"), path.join(scratch.path, "share")];
      await withMacShare(directory, place, "root", async () => {
        const { exitCode, output } = await bench.run(await postgresOn(place));
        expect({ exitCode, output }).toMatchObject({
          exitCode: 1,
          output: expect.stringContaining(`${DATA} is not writable for uid 501`),
        });
      });
    });
  },
);
