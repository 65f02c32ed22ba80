import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";

/** A directory that Docker builds an image from, and a hash of all that goes into it. */
export interface BuildContext {
  directory: string;
  /** Hex; the same hash means the same image. */
  hash: string;
}

/** Says what is in the image, so stacks of one version share it and an old one is there to go back to. */
export function imageTag(service: Service, context: BuildContext): string {
  return `mem0/${service}:${context.hash.slice(0, 12)}`;
}

export interface ImagesArgs {
  settings: Pick<Settings, "baseImage">;
  contexts: Record<Service, BuildContext>;
  /** Services that this stack runs. */
  services: readonly Service[];
}

/** Our own images, built where the stack runs. */
export class Images extends pulumi.ComponentResource {
  private readonly ids: ReadonlyMap<Service, pulumi.Output<string>>;

  constructor(
    name: string,
    { settings, contexts, services }: ImagesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("mem0:stack:Images", name, {}, opts);

    const build = (service: Service) =>
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
    this.ids = new Map(services.map((service) => [service, build(service)]));

    this.registerOutputs({ ids: Object.fromEntries(this.ids) });
  }

  /** The image's content id, `sha256:...`. */
  id(service: Service): pulumi.Output<string> {
    const id = this.ids.get(service);
    if (id === undefined) throw new Error(`no image was declared for ${service}`);
    return id;
  }
}
