import packageJson from "@pulumi/random/package.json" with { type: "json" };
import { failure, type Plugin } from "../protocol/resource.ts";
import { serve } from "../protocol/serve.ts";
import { IdResource } from "./id.ts";
import { PasswordResource } from "./password.ts";

const plugin: Plugin = {
  name: "random",
  version: packageJson.pulumi.version,
  resources: {
    "random:index/randomId:RandomId": new IdResource(),
    "random:index/randomPassword:RandomPassword": new PasswordResource(),
  },
  checkSettings: (settings) =>
    Object.keys(settings)
      .filter((name) => name !== "version")
      .map((name) => failure(`"${name}": the random plugin has no such setting.`)),
  configure: () => {},
};

await serve(plugin);
