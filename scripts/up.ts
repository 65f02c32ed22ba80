import type { Command } from "commander";
import type { Manifest } from "../config/manifest.ts";
import { refuseUnfinishedRestore } from "../ops/backup/restore/journal.ts";
import { Problem } from "../ops/base/problem.ts";
import { untilReady } from "../ops/server/readiness.ts";
import { type Changes, deploy, previewChanges } from "../ops/stack/deployment.ts";
import { stackDirectory } from "../ops/stack/manifest-file.ts";
import { stateHome } from "../toolchain/layout.ts";
import { runSetup } from "../toolchain/setup.ts";
import { ask } from "./cli/ask.ts";
import { deployedStack, engineContext, requireStackFile } from "./cli/context.ts";
import { runStep } from "./cli/progress.ts";

export function register(program: Command): void {
  program
    .command("up")
    .description("set up this machine and deploy a stack; again: changes only what differs")
    .argument("[stack]", "stack", "test")
    .option("-y, --yes", "do not ask before changing prd")
    .addHelpText("after", "\nExamples:\n  ./mem0 up\n  ./mem0 up prd --yes")
    .action(up);
}

async function up(stack: string, options: { yes?: boolean }): Promise<void> {
  requireStackFile(stack);
  refuseUnfinishedRestore(stackDirectory(stateHome(), stack));
  await runSetup();
  const context = engineContext(stack);
  if (stack === "prd" && options.yes !== true) {
    await requireConsent(
      await runStep("compare prd with its settings", (report) => previewChanges(context, report)),
    );
  }
  const changes = await runStep(`deploy stack ${stack}`, (report) => deploy(context, report));
  const deployed = deployedStack(stack);
  await runStep("find the stores to be this stack's own", (report) => untilReady(deployed, report));
  console.log(summary(deployed.manifest, changes));
}

/** Asks before PRD is changed, and only when something would change. */
async function requireConsent(changes: Changes): Promise<void> {
  if (!isChange(changes)) return;
  const answer = await ask(`prd: ${renderChanges(changes)}. Go on? [y/N] `, "./mem0 up prd --yes");
  if (!/^y(es)?$/i.test(answer)) throw new Problem("nothing was changed");
}

function summary({ stack, services, secretFiles, observability }: Manifest, changes: Changes): string {
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
    "",
    `Try: ./mem0 remember "I keep bees on the roof"${option}`,
  ].join("\n");
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
