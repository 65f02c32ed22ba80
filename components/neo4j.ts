import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { NEO4J_ANSWERS } from "../config/probes.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { SECRETS_DIRECTORY, type ServiceContext, serviceContainer } from "./service-container.ts";
import { StoreMount } from "./store-mount.ts";

export interface Neo4jArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
}

/** Neo4j: the entities in the memories and how they relate. */
export class Neo4j extends pulumi.ComponentResource {
  readonly container: docker.Container;

  constructor(name: string, args: Neo4jArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Neo4j", name, {}, opts);
    const { ports, resources } = args.settings;
    const { memoryMb, cpus, heapMb, pageCacheMb } = resources.neo4j;

    const store = new StoreMount(
      `${name}-data`,
      { store: "neo4j", target: "/data", settings: args.settings },
      { parent: this },
    );
    this.container = serviceContainer(
      this,
      name,
      {
        service: "neo4j",
        image: args.images.id("neo4j"),
        env: {
          NEO4J_PASSWORD_FILE: `${SECRETS_DIRECTORY}/neo4j_password`,
          NEO4J_HEAP: `${heapMb}m`,
          NEO4J_PAGECACHE: `${pageCacheMb}m`,
        },
        ports: [
          { internal: 7474, external: ports.neo4jHttp },
          { internal: 7687, external: ports.neo4jBolt },
        ],
        stores: [store.mount],
        secrets: [args.secrets.neo4jPassword],
        health: {
          test: ["CMD", ...NEO4J_ANSWERS],
          interval: "10s",
          timeout: "10s",
          retries: 6,
          // HTTP answers 16 to 44 s after the start on two busy cores, measured.
          startPeriod: "2m0s",
        },
        limits: { memoryMb, cpus },
        // A clean stop takes a second or two; a busy one longer, and a store that was killed cannot be dumped.
        graceSeconds: 120,
        tmpfs: { "/tmp": 64 },
      },
      args,
    );

    this.registerOutputs({ container: this.container.name });
  }
}
