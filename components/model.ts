import * as pulumi from "@pulumi/pulumi";
import type { Images } from "./images.ts";
import { httpHealth, type RunningService, type ServiceContext } from "./service.ts";

export interface ModelArgs extends ServiceContext {
  images: Images;
}

/** The embedded model: OpenAI's API with a small embedding model and extraction by rules; needs no key. */
export class Model extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: ModelArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Model", name, {}, opts);
    this.service = args.target.run(
      name,
      {
        service: "model",
        image: args.images.id("model"),
        health: httpHealth(8000, "/health", 10),
        limits: args.settings.resources.model,
        graceSeconds: 10,
      },
      { parent: this, network: args.network },
    );
    this.registerOutputs({ container: this.service.name });
  }
}
