import type { Command } from "commander";
import { hostExporterSettings } from "../ops/stack/host-exporter.ts";
import { startExporter } from "../services/exporter/src/exporter.ts";
import { deployedStack } from "./cli/context.ts";

export function register(program: Command): void {
  program
    .command("exporter")
    .description("run the exporter in the foreground instead of in a container")
    .argument("[stack]", "stack", "test")
    .addHelpText(
      "after",
      "\nExample:\n  ./mem0 exporter test\n\nFor a stack whose setting observability.exporter is host. Stops with Ctrl-C.",
    )
    .action(exporter);
}

async function exporter(stack: string): Promise<void> {
  const running = await startExporter(hostExporterSettings(deployedStack(stack)), "127.0.0.1");
  console.log(`http://127.0.0.1:${running.port}/ shows stack ${stack}; Ctrl-C stops it`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await running.close();
}
