import { expect } from "vitest";
import type { Tier } from "../../../ops/backup/format/layout.ts";
import type { RestoreReport } from "../../../ops/backup/restore/exchange.ts";
import { findRestorable, type Restorable } from "../../../ops/backup/restore/restorable.ts";
import { type RestoreOptions, restore } from "../../../ops/backup/restore/restore.ts";
import type { RestoreTools } from "../../../ops/backup/restore/tools.ts";
import { sealKeysOf } from "../../../ops/backup/seal-keys.ts";
import { BackupStack } from "./backup-stack.ts";
import { restoreTools } from "./restore-tools.ts";
import { type StackContent, stackContent } from "./stack-content.ts";
import { docker } from "./watched-stack.ts";

const MEMORIES = {
  anna: ["I keep bees on the roof", "My sister Clara works in Berlin", "I am allergic to peanuts"],
  bert: ["I play the cello on Thursdays", "My car is a blue Volvo"],
};

/** A deployed stack with five memories of two users, which are lost and brought back. */
export class RestoredStack extends BackupStack {
  async upWithMemories(): Promise<void> {
    await this.up({
      observability: { exporter: "off", prometheus: { mode: "off" }, grafana: { mode: "off" } },
    });
    for (const [user, texts] of Object.entries(MEMORIES)) {
      for (const text of texts) await this.remember(text, user);
    }
  }

  tools(report?: (line: string) => void): RestoreTools {
    return restoreTools(this, report);
  }

  /** A good backup of both users. */
  async takeWhole(tier: Tier): Promise<Restorable> {
    const { backup } = await this.take({}, { tier });
    expect(backup.manifest).toMatchObject({ result: "good", counts: { users: 2 } });
    return this.find(backup.id);
  }

  /** A backup in the deployed root, opened with the stack's own seal key. */
  find(id: string): Restorable {
    const { deployed } = this;
    return findRestorable(deployed.backup.root, id, undefined, sealKeysOf(deployed));
  }

  /** Restores, without a backup of what is live unless told otherwise. */
  bringBack(
    backup: Restorable,
    options: Partial<RestoreOptions> = {},
    report?: (line: string) => void,
  ): Promise<RestoreReport> {
    return restore(this.tools(report), backup, { adopt: false, safetyBackup: false, ...options });
  }

  content(): Promise<StackContent> {
    return stackContent(this.deployed);
  }

  /** What the two users find by meaning, and how like it is. */
  async answers(): Promise<unknown> {
    const client = this.deployed.server;
    const found = [
      ...(await client.recall("which animals do I have?", "anna", 5)),
      ...(await client.recall("which instrument do I play?", "bert", 5)),
    ];
    return found.map(({ id, memory, similarity }) => ({ id, memory, similarity }));
  }

  /** Everything that anybody stored is gone; the stores still know whose they are. */
  async wipe(): Promise<void> {
    await this.wipeMemories();
    const script =
      "import sqlite3; db = sqlite3.connect('/data/history.db'); db.execute('DELETE FROM history'); db.commit()";
    await docker("exec", this.container("server"), "python3", "-c", script);
  }

  /** All but the history, which backups of the old form do not hold. */
  async wipeMemories(): Promise<void> {
    await this.sql("DELETE FROM memories");
    await this.cypher("MATCH (n:__Entity__) DETACH DELETE n");
  }
}
