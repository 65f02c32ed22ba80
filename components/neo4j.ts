import * as pulumi from "@pulumi/pulumi";
import { NEO4J_ANSWERS } from "../config/probes.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { type RunningService, SECRETS_DIRECTORY, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface Neo4jArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
}

/** Neo4j: the entities in the memories and how they relate. */
export class Neo4j extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: Neo4jArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Neo4j", name, {}, opts);
    const { memoryMb, cpus, heapMb, pageCacheMb } = args.settings.resources.neo4j;

    const store = new StoreMount(
      `${name}-data`,
      { store: "neo4j", at: "/data", settings: args.settings, target: args.target },
      { parent: this },
    );
    this.service = args.target.run(
      name,
      {
        service: "neo4j",
        image: args.images.id("neo4j"),
        env: {
          NEO4J_PASSWORD_FILE: `${SECRETS_DIRECTORY}/neo4j_password`,
          NEO4J_HEAP: `${heapMb}m`,
          NEO4J_PAGECACHE: `${pageCacheMb}m`,
        },
        stores: [store.mount],
        secrets: [args.secrets.neo4jPassword],
        health: {
          command: NEO4J_ANSWERS,
          everySeconds: 10,
          timeoutSeconds: 10,
          retries: 6,
          // HTTP answers 16 to 44 s after the start on two busy cores, measured.
          startSeconds: 120,
        },
        limits: { memoryMb, cpus },
        // A clean stop takes a second or two; a busy one longer, and a store that was killed cannot be dumped.
        graceSeconds: 120,
        writable: { "/tmp": 64 },
      },
      { parent: this, network: args.network },
    );

    this.registerOutputs({ container: this.service.name });
  }
}
