import type * as pulumi from "@pulumi/pulumi";
import type { Network } from "../network.ts";
import type { RunningService, ServiceSpec } from "../service.ts";

/** An image of our own, built where it runs. */
export interface BuiltImage {
  tag: string;
  /** Relative to the checkout, as the engine's working directory. */
  directory: string;
  /** Of all that goes into it: another hash is another image. */
  hash: string;
  baseImage: string;
}

/** What a Prometheus in a container of somebody else's is to know about the stack. */
export interface PrometheusNews {
  /** On the host, for its two files. */
  directory: string;
  container: string;
  /** The directory inside that container. */
  mountedAt: string;
  running: boolean;
  scrape: string;
  rules: string;
}

/**
 * What a network leads to: nothing but its own containers; also the ports that they publish on the host; or anything that
 * the host reaches.
 */
export type Reach = "inside" | "published" | "outward";

/** Where a service stands among the resources. */
export interface Place {
  parent: pulumi.ComponentResource;
  network: Network;
  /** What must be there before it starts. */
  dependsOn?: pulumi.Resource[];
}

/**
 * What runs services: today one Docker engine (docker.ts). Components describe what they need and leave to the target
 * what it is made of, so that another kind of host is another file here. Resource names are the components' own.
 */
export interface Target {
  /** @returns the image's content id */
  buildImage(name: string, image: BuiltImage, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /** @returns the image's content id */
  pullImage(name: string, reference: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /** A network of this stack alone. @returns its name, known once it is there */
  ownNetwork(
    name: string,
    network: { name: string; reach: Reach },
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Output<string>;
  /** A network that others share, made when it is missing; it stays when the stack goes. @returns its name */
  sharedNetwork(name: string, network: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /** A volume for data. @returns its name, known once it is there */
  volume(name: string, volume: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string>;
  /**
   * Has an external Prometheus scrape the stack, and takes that back when the resource goes.
   *
   * @returns how far it came: `absent`, `not-mounted`, `not-included` or `registered`
   */
  informPrometheus(
    name: string,
    news: PrometheusNews,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Output<string>;
  /** Runs a service and waits until it is healthy. */
  run(name: string, spec: ServiceSpec, place: Place): RunningService;
}
