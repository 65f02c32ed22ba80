import path from "node:path";
import type { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import type { Manifest } from "../../../config/manifest.ts";
import { openPart } from "../../../ops/backup/format/part-files.ts";
import { type Backup, type Catalogue, readCatalogue } from "../../../ops/backup/keep/catalogue.ts";
import { sealKeysOf } from "../../../ops/backup/seal-keys.ts";
import { readStatus } from "../../../ops/backup/status-file.ts";
import type { Taken, TakeOptions } from "../../../ops/backup/take/run.ts";
import { takeBackup } from "../../../ops/backup/take/take.ts";
import { type BackupSettings, DeployedStack } from "../../../ops/stack/deployed-stack.ts";
import { type Blow, KILL } from "../rounds/blow.ts";
import type { Given } from "../rounds/options.ts";
import { WatchedStack } from "./watched-stack.ts";

/** A deployed stack of which backups are taken, with one setting or another. */
export class BackupStack extends WatchedStack {
  /** The stack, with some of the settings for backups, or other parts of the manifest, not as they are deployed. */
  deployedWith(settings: Partial<BackupSettings>, other: Partial<Manifest> = {}): DeployedStack {
    const { manifest, backup, directory } = this.deployed;
    return new DeployedStack({ ...manifest, backup: { ...backup, ...settings }, ...other }, directory);
  }

  /**
   * An hourly backup unless told otherwise.
   *
   * @param other parts of the manifest that are not as deployed
   */
  take(
    settings: Partial<BackupSettings> = {},
    options: Partial<TakeOptions> = {},
    other: Partial<Manifest> = {},
  ): Promise<Taken> {
    return takeBackup(this.deployedWith(settings, other), {
      tier: "hourly",
      toolVersion: "0.1.0",
      now: () => new Date(),
      report: () => {},
      ...options,
    });
  }

  /** What lies in the deployed root. */
  get catalogue(): Catalogue {
    return readCatalogue(this.deployed.backup.root, sealKeysOf(this.deployed));
  }

  /** How the runs went. */
  get status(): ReturnType<typeof readStatus> {
    return readStatus(this.deployed.directory);
  }

  /** What rounds of kills are told, in the suite: the same ones every time. */
  kills(seed: number, rounds: number): Given & { blow: Blow; report: (line: string) => void } {
    return {
      stack: this.deployed,
      stateHome: this.project.stateHome,
      rounds,
      seed,
      blow: KILL,
      report: (line) => console.log(line),
    };
  }

  /** Path in the test's own directory. */
  pathOf(name: string): string {
    return path.join(this.project.directory, name);
  }

  /** Whether writers are turned away, or graph and history held. */
  async isHeld(): Promise<boolean> {
    const response = await this.deployed.server.request({ method: "GET", path: "/ready" });
    const ready = (await response.json()) as { maintenance_seconds_left: number; hold_seconds_left: number };
    return ready.maintenance_seconds_left > 0 || ready.hold_seconds_left > 0;
  }
}

/** Content of a part: decrypted, and unpacked where it is packed. */
export function openNamed(backup: Backup, name: string, identity?: string): Readable {
  const part = backup.manifest.parts.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part ${name}`);
  const stream = openPart(backup.directory, part, identity).open();
  return part.format.endsWith("zstd") ? stream.pipe(createZstdDecompress()) : stream;
}
