import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../../config/manifest.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { hostExporterSettings } from "../../../../ops/stack/host-exporter.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";

const manifest = exampleManifest({
  stack: "prd",
  services: {
    server: { container: "s", image: "i", ports: { http: 8888, metrics: 9464 } },
    postgres: { container: "p", image: "i", ports: { postgres: 5433 } },
    neo4j: { container: "n", image: "i", ports: { http: 7474, bolt: 7687 } },
  },
  stores: { postgres: "/data/postgres", neo4j: "/data/neo4j", data: "/data/data" },
  database: {
    name: "mem0_prd",
    user: "mem0_user_prd",
    collection: "memories",
    metricsUser: "mem0_metrics_prd",
  },
  observability: {
    exporter: "host",
    exporterPort: 9103,
    hosts: ["localhost"],
    job: "mem0-metrics",
    backupRuns: 2,
  },
  secretFiles: {
    metrics_password: "/home/stacks/prd/secrets/metrics_password",
    neo4j_password: "/home/stacks/prd/secrets/neo4j_password",
  },
});

const settingsOf = (other: Partial<Manifest>) =>
  hostExporterSettings(new DeployedStack({ ...manifest, ...other }, "/home/stacks/prd"));

describe("an exporter on the host", () => {
  it("learns all it needs from the manifest", () => {
    expect(settingsOf({})).toMatchObject({
      port: 9103,
      server: { url: "http://127.0.0.1:8888", metricsUrl: "http://127.0.0.1:9464/metrics" },
      postgres: { host: "127.0.0.1", port: 5433, user: "mem0_metrics_prd" },
      neo4j: { uri: "bolt://127.0.0.1:7687" },
      backupRuns: 2,
      backupStatusFile: "/home/stacks/prd/status/backups.json",
      runbookFile: "/home/stacks/prd/runbook.html",
      disks: { state: "/home/stacks/prd", data: "/data/data" },
    });
  });

  it("is refused for a stack whose exporter is a container, with the setting that changes it", () => {
    const container = {
      ...manifest.observability,
      exporter: "container" as const,
      exporterPort: 1,
      job: "j",
    };
    expect(() => settingsOf({ observability: container })).toThrow(
      "stack prd does not run its exporter on the host",
    );
  });

  it("says what a manifest of an older deployment lacks", () => {
    expect(() => settingsOf({ secretFiles: {} })).toThrow(
      "the manifest names no secret file metrics_password",
    );
  });
});
