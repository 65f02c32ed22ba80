import * as pulumi from "@pulumi/pulumi";
import { BUILT_SERVICES, type BuiltService, FOREIGN_IMAGES, type Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import type { Target } from "./targets/target.ts";

/** A directory that Docker builds an image from, and a hash of all that goes into it. */
export interface BuildContext {
  directory: string;
  /** Hex; the same hash means the same image. */
  hash: string;
}

/** Says what is in the image, so stacks of one version share it and an old one is there to go back to. */
export function imageTag(service: BuiltService, context: BuildContext): string {
  return `mem0/${service}:${context.hash.slice(0, 12)}`;
}

export interface ImagesArgs {
  settings: Pick<Settings, "baseImage">;
  target: Target;
  contexts: Record<BuiltService, BuildContext>;
  /** Services that this stack runs. */
  services: readonly Service[];
}

/** The images of a stack: our own, built where the stack runs, and those that come from a registry. */
export class Images extends pulumi.ComponentResource {
  private readonly ids: ReadonlyMap<Service, pulumi.Output<string>>;

  constructor(
    name: string,
    { settings, target, contexts, services }: ImagesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("mem0:stack:Images", name, {}, opts);

    const image = (service: Service) => {
      const [child, opts] = [`${name}-${service}`, { parent: this }];
      if (!isBuilt(service)) return target.pullImage(child, FOREIGN_IMAGES[service], opts);
      const context = contexts[service];
      const built = { ...context, tag: imageTag(service, context), baseImage: settings.baseImage };
      return target.buildImage(child, built, opts);
    };
    this.ids = new Map(services.map((service) => [service, image(service)]));

    this.registerOutputs({ ids: Object.fromEntries(this.ids) });
  }

  /** The image's content id, `sha256:...`. */
  id(service: Service): pulumi.Output<string> {
    const id = this.ids.get(service);
    if (id === undefined) throw new Error(`no image was declared for ${service}`);
    return id;
  }
}

function isBuilt(service: Service): service is BuiltService {
  return (BUILT_SERVICES as readonly Service[]).includes(service);
}
