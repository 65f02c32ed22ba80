import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { BUILT_SERVICES, type BuiltService, FOREIGN_IMAGES, type Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";

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
  contexts: Record<BuiltService, BuildContext>;
  /** Services that this stack runs. */
  services: readonly Service[];
}

/** The images of a stack: our own, built where the stack runs, and those that come from a registry. */
export class Images extends pulumi.ComponentResource {
  private readonly ids: ReadonlyMap<Service, pulumi.Output<string>>;

  constructor(
    name: string,
    { settings, contexts, services }: ImagesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("mem0:stack:Images", name, {}, opts);

    const build = (service: BuiltService) =>
      new docker.RemoteImage(
        `${name}-${service}`,
        {
          name: imageTag(service, contexts[service]),
          build: {
            context: contexts[service].directory,
            dockerfile: "Dockerfile",
            buildArgs: { BASE_IMAGE: settings.baseImage },
          },
          triggers: { content: contexts[service].hash },
          keepLocally: true,
        },
        { parent: this },
      ).imageId;
    const pull = (service: keyof typeof FOREIGN_IMAGES) =>
      new docker.RemoteImage(
        `${name}-${service}`,
        { name: FOREIGN_IMAGES[service], keepLocally: true },
        { parent: this },
      ).imageId;
    this.ids = new Map(
      services.map((service) => [service, isBuilt(service) ? build(service) : pull(service)]),
    );

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
