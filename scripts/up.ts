import { existsSync } from "node:fs";
import path from "node:path";
import type { Manifest } from "../config/manifest.ts";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import { SEAL_KEY_FILE } from "../ops/backup/seal-keys.ts";
import { untilReady } from "../ops/server/readiness.ts";
import { type Changes, deploy, previewChanges } from "../ops/stack/deployment.ts";
import { stackDirectory } from "../ops/stack/manifest-file.ts";
import { requireSoundStackFile } from "../ops/stack/stack-file.ts";
import { CHECKOUT, stateHome } from "../toolchain/layout.ts";
import { runSetup } from "../toolchain/setup.ts";
import { pulumiContext } from "./cli/context.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  asks: "before changing prd",
  exits: { ok: "the stack serves as its file says" },
  examples: ["up", "up prd --yes"],
  run: async (call) => {
    const { stack } = call;
    const hadSealKey = existsSync(path.join(stackDirectory(stateHome(), stack), "secrets", SEAL_KEY_FILE));
    requireSoundStackFile(CHECKOUT, stack);
    refuseUnfinishedRestore(stackDirectory(stateHome(), stack));
    await runSetup();
    const context = pulumiContext(stack);
    if (call.asks) {
      const changes = await call.step("compare prd with its settings", (report) =>
        previewChanges(context, report),
      );
      // It asks only when something would change.
      if (isChange(changes)) await call.consent(`prd: ${renderChanges(changes)}.`);
    }
    const changes = await call.step(`deploy stack ${stack}`, (report) => deploy(context, report));
    const deployed = call.deployed();
    await call.step("find the stores to be this stack's own", (report) => untilReady(deployed, report));
    return { text: summary(deployed.manifest, changes, hadSealKey) };
  },
});

function summary(
  { stack, services, secretFiles, observability }: Manifest,
  changes: Changes,
  hadSealKey: boolean,
): string {
  const addresses = Object.entries(services).flatMap(([service, { ports }]) =>
    Object.entries(ports).map(([purpose, port]) => {
      const scheme = purpose === "http" ? "http" : purpose === "bolt" ? "bolt" : "postgresql";
      return `  ${`${service} ${purpose}`.padEnd(20)} ${scheme}://127.0.0.1:${port}`;
    }),
  );
  const option = stack === "test" ? "" : ` --stack ${stack}`;
  return [
    `stack ${stack} is up: ${isChange(changes) ? renderChanges(changes) : "nothing had to be changed"}`,
    ...addresses,
    `  ${"API key".padEnd(20)} ${secretFiles.api_key}`,
    ...grafanaLines(observability?.grafana, secretFiles.grafana_admin_password),
    ...(hadSealKey ? [] : ["", sealKeyNote(secretFiles[SEAL_KEY_FILE])]),
    "",
    `Try: ./mem0 remember "I keep bees on the roof"${option}`,
  ].join("\n");
}

/** Told once, when the key is made. */
function sealKeyNote(file: string | undefined): string {
  return (
    `A key was made that seals this stack's backups: ${file}\n` +
    "It shows that a backup is your own. Nobody can make it again: copy it to a safe place, beside the passphrase, for the " +
    "day on which another machine has to restore them."
  );
}

function grafanaLines(
  grafana: NonNullable<Manifest["observability"]>["grafana"],
  passwordFile: string | undefined,
): string[] {
  if (grafana === undefined) return [];
  const lines = [`  ${"dashboard".padEnd(20)} ${grafana.dashboard}`];
  if (passwordFile !== undefined) {
    lines.push(`  ${`Grafana's ${grafana.adminUser}`.padEnd(20)} password in ${passwordFile}`);
  }
  return lines;
}

function isChange(changes: Changes): boolean {
  return Object.keys(changes).some((op) => op !== "same");
}

function renderChanges(changes: Changes): string {
  return Object.entries(changes)
    .map(([op, count]) => `${count} ${op}`)
    .join(", ");
}
