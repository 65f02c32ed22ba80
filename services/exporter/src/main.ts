import { startExporter } from "./exporter.ts";
import { describe } from "./failure.ts";
import { log } from "./log.ts";
import { type Settings, settingsFrom } from "./settings.ts";

/** All interfaces: a container's port is published on the loopback address of the host only. */
const { close } = await startExporter(settings(), "0.0.0.0");

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    log("info", "stopping", { signal });
    close().then(() => process.exit(0));
  });
}

function settings(): Settings {
  try {
    return settingsFrom(process.env);
  } catch (error) {
    log("error", "the settings are not complete", { reason: describe(error) });
    process.exit(78);
  }
}
