import packageJson from "@pulumi/command/package.json" with { type: "json" };
import { failure, type Plugin } from "../protocol/resource.ts";
import { serve } from "../protocol/serve.ts";
import { CommandResource } from "./command.ts";

const plugin: Plugin = {
  name: "command",
  version: packageJson.pulumi.version,
  resources: { "command:local:Command": new CommandResource() },
  checkSettings: (settings) =>
    Object.keys(settings)
      .filter((name) => name !== "version")
      .map((name) => failure(`"${name}": the command plugin has no such setting.`)),
  configure: () => {},
};

await serve(plugin);
