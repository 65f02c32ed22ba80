import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Images } from "./images.ts";
import { httpHealth, type ServiceContext, serviceContainer } from "./service-container.ts";

export interface ModelArgs extends ServiceContext {
  images: Images;
}

/** The embedded model: OpenAI's API with a small embedding model and extraction by rules; needs no key. */
export class Model extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: ModelArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Model", name, {}, opts);
    this.container = serviceContainer(
      this,
      name,
      {
        service: "model",
        image: args.images.id("model"),
        health: httpHealth(8000, "/health", 10),
        limits: args.settings.resources.model,
        graceSeconds: 10,
      },
      args,
    );
    this.registerOutputs({ container: this.container.name });
  }
}
