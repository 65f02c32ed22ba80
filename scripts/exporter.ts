import { once } from "node:events";
import { hostExporterSettings } from "../ops/stack/host-exporter.ts";
import { startExporter } from "../services/exporter/src/exporter.ts";
import { print } from "./cli/output.ts";
import { defineVerb } from "./cli/verb.ts";

export const verb = defineVerb({
  notes: "For a stack whose setting observability.exporter is host. Stops with Ctrl-C.",
  examples: ["exporter test"],
  run: async (call) => {
    const running = await startExporter(hostExporterSettings(call.deployed()), "127.0.0.1");
    print(`http://127.0.0.1:${running.port}/ shows stack ${call.stack}; Ctrl-C stops it`);
    await call.interruption.inOrder(async () => {
      await once(call.interruption.signal, "abort");
      await running.close();
    });
    return undefined;
  },
});
