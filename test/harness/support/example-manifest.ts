import type { Manifest } from "../../../config/manifest.ts";

/** What a deployed TEST stack without services of its own would say of itself, but for some of it. */
export function exampleManifest(other: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    stack: "test",
    homeId: "home",
    instanceId: "ab",
    dockerHost: "unix:///var/run/docker.sock",
    services: {},
    network: "mem0_internal_test",
    stores: { postgres: "mem0_postgres_test", neo4j: "mem0_neo4j_test", data: "mem0_data_test" },
    database: { name: "mem0_test", user: "mem0_user_test", collection: "memories" },
    model: { provider: "embedded", llm: "mem0-rules", embedder: "mem0-embedded", dimensions: 384 },
    defaultUser: "me",
    secretFiles: {},
    ...other,
  };
}
