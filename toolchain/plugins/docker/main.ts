import packageJson from "@pulumi/docker/package.json" with { type: "json" };
import { failure, type Plugin } from "../protocol/resource.ts";
import { serve } from "../protocol/serve.ts";
import { isUnknown } from "../protocol/value.ts";
import { Client, isSocket } from "./client.ts";
import { ContainerResource } from "./container.ts";
import { ImageResource } from "./image.ts";
import { networks } from "./network.ts";
import { ReplacedResource } from "./replaced-resource.ts";
import { volumes } from "./volume.ts";

const client = new Client();

const plugin: Plugin = {
  name: "docker",
  version: packageJson.pulumi.version,
  resources: {
    "docker:index/container:Container": new ContainerResource(client),
    "docker:index/network:Network": new ReplacedResource(client, networks),
    "docker:index/remoteImage:RemoteImage": new ImageResource(client),
    "docker:index/volume:Volume": new ReplacedResource(client, volumes),
  },
  checkSettings(settings) {
    return Object.entries(settings).flatMap(([name, value]) => {
      if (name === "version" || value === null || isUnknown(value)) return [];
      if (name !== "host")
        return [failure(`"${name}": not implemented by this stand-in for the docker plugin.`)];
      const right = typeof value === "string" && isSocket(value);
      return right ? [] : [failure('"host": this stand-in speaks to unix:// sockets only.')];
    });
  },
  configure({ host }) {
    if (typeof host === "string" && host !== "") client.setHost(host);
  },
};

await serve(plugin);
