import { mkdirSync } from "node:fs";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupId } from "../../../../ops/backup/format/layout.ts";
import { findRestorable, openOldBackup } from "../../../../ops/backup/restore/restorable.ts";
import { finishRestore } from "../../../../ops/backup/restore/restore.ts";
import { restoreRounds } from "../../../harness/rounds/restore-rounds.ts";
import { RestoredStack } from "../../../harness/support/restored-stack.ts";
import { docker } from "../../../harness/support/watched-stack.ts";

const stack = new RestoredStack("elsewheretest", 28640);

/** A kill in the swap, after which the restore is continued; the long rounds, with other seeds, are a command of their own. */
const SEED = 20;
const ROUNDS = 1;

/** A round restarts Neo4j several times, which takes minutes on a machine that does other things too. */
const ROUNDS_MS = 1_500_000;

beforeAll(() => stack.upWithMemories());

afterAll(() => stack.remove());

describe("a backup of the old guide's form", () => {
  it("brings back the memories and the graph, and tells what it lacks", async () => {
    const directory = path.join(stack.project.directory, backupId(new Date()));
    mkdirSync(path.join(directory, "postgres"), { recursive: true });
    mkdirSync(path.join(directory, "neo4j"));
    // Upstream's server keeps no tables of ours, and the guide's dump names the roles of its own server.
    const planted = "(cat; echo '\\! touch /tmp/planted'; echo 'CREATE ROLE planted SUPERUSER;')";
    const dump = `docker exec ${stack.container("postgres")} pg_dump -U postgres -d mem0_${stack.stack} -T 'mem0_*' |
      sed 's/OWNER TO mem0_user_${stack.stack}/OWNER TO kermit/' | ${planted} | gzip > ${directory}/postgres/mem0.sql.gz`;
    const graph = `docker exec ${stack.container("neo4j")} tar -cz -C /data neo4j > ${directory}/neo4j/mem0_neo4j.tar.gz`;
    for (const command of [dump, graph]) await execa("bash", ["-o", "pipefail", "-c", command]);
    const rows =
      "SELECT md5(string_agg(id::text || vector::text || payload::text, '' ORDER BY id)) FROM memories";
    const before = await stack.sql(rows);
    const [{ neo4j }, found] = [await stack.content(), await stack.answers()];
    await stack.wipeMemories();
    const old = openOldBackup(directory);
    if (old === undefined) throw new Error("not recognised");
    const alone = { only: "postgres" } as const;
    await expect(stack.bringBack(old, { ...alone, adopt: true })).rejects.toThrow(
      "psql's command \\! touch /tmp/planted; role planted",
    );
    const leaveOutUnknown = true;
    await expect(stack.bringBack(old, { ...alone, leaveOutUnknown })).rejects.toThrow("tells no identity");
    expect(await stack.sql("SELECT count(*) FROM memories"), "nothing live was touched").toBe("0");
    const report = await stack.bringBack(old, { adopt: true, leaveOutUnknown });
    expect(await stack.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'planted'")).toBe("0");
    await expect(docker("exec", stack.container("postgres"), "ls", "/tmp/planted")).rejects.toThrow();
    expect(report.lacks.join()).toMatch(/no history file.*no identity.*no counts.*no checksums/);
    expect(await stack.sql(rows)).toBe(before);
    expect((await stack.content()).neo4j).toBe(neo4j);
    expect(await stack.answers()).toEqual(found);
    await finishRestore(stack.tools());
  });
});

describe("a backup of another instance, encrypted and in plain SQL", () => {
  it("comes back whole with the identity file and --adopt, and with neither missing", async () => {
    const own = stack.manifest.instanceId;
    await bindTo("another");
    const before = await stack.content();
    const memories = Number(await stack.sql("SELECT count(*) FROM memories"));
    expect(memories).toBeGreaterThan(0);
    const identity = await generateIdentity();
    const root = path.join(stack.project.directory, "another");
    const recipients = [await identityToRecipient(identity)];
    const settings = { root, recipients, format: "plain" } as const;
    const { backup } = await stack.take(settings, {}, { instanceId: "another" });
    expect(backup.manifest.parts.map(({ file }) => file).join()).toMatch(/mem0_\d{8}_\d{6}\.sql\.gz\.age/);
    await bindTo(own);
    await stack.wipe();
    expect(() => findRestorable(root, backup.id, undefined, [])).toThrow(`backup ${backup.id} is encrypted`);
    const wrong = findRestorable(root, backup.id, await generateIdentity(), []);
    await expect(stack.bringBack(wrong)).rejects.toThrow("the identity does not open backup");
    const right = findRestorable(root, backup.id, identity, []);
    await expect(stack.bringBack(right)).rejects.toThrow(`belongs to instance another, this stack is ${own}`);
    const report = await stack.bringBack(right, { adopt: true });
    expect(report).toMatchObject({ memories, stores: ["postgres", "neo4j", "history"] });
    expect(await stack.content()).toEqual(before);
    await finishRestore(stack.tools());
  });

  /** Whose the data of all three stores is; the server looks at it when it starts. */
  async function bindTo(instance: string): Promise<void> {
    await stack.sql(`UPDATE mem0_identity SET instance_id = '${instance}'`);
    await stack.cypher(`MATCH (n:Mem0Identity) SET n.instance_id = '${instance}'`);
    const script = `import sqlite3; db = sqlite3.connect('/data/history.db'); db.execute("UPDATE mem0_identity SET instance_id = '${instance}'"); db.commit()`;
    await docker("exec", stack.container("server"), "python3", "-c", script);
  }
});

describe("a restore that is killed", () => {
  it(
    `at any moment leaves what was live or what was in the backup, one command away at most (seed ${SEED})`,
    async () => {
      const hits = await restoreRounds(stack.kills(SEED, ROUNDS));
      expect(hits.struck).toBeGreaterThan(0);
    },
    ROUNDS_MS,
  );
});
