import { describe, expect, it } from "vitest";
import { type ExportedState, planRecovery, type Seen } from "../../../../ops/stack/recovery-plan.ts";

const server: Seen = { kind: "container", id: "c1", name: "mem0_server_test", running: true };
const network: Seen = { kind: "network", id: "n1", name: "mem0_internal_test", running: true };

const VOLUME = "docker:index/volume:Volume";
const volumes = ["mem0_postgres_test"];

const state: ExportedState = {
  pendingOperations: 0,
  resources: [
    { urn: "urn:server", type: "docker:index/container:Container", id: "c1" },
    { urn: "urn:network", type: "docker:index/network:Network", id: "n1" },
    { urn: "urn:data", type: VOLUME, id: "mem0_postgres_test", protect: true },
    { urn: "urn:metrics", type: VOLUME, id: "mem0_prometheus_test" },
    { urn: "urn:key", type: "command:local:Command", inputs: { environment: { FILE: "/s/api_key" } } },
    { urn: "urn:directory", type: "command:local:Command", inputs: { environment: { DIRECTORY: "/d" } } },
  ],
};
const filesThere = () => true;

describe("recovery before a deployment", () => {
  it("finds nothing to do when state and host agree", () => {
    expect(planRecovery(state, [server, network], volumes, filesThere)).toEqual({
      refresh: false,
      elsewhere: [],
      lost: [],
      strays: [],
      stopped: [],
      rewrite: [],
    });
  });

  it("refreshes when operations never ended", () => {
    const plan = planRecovery({ ...state, pendingOperations: 1 }, [server, network], volumes, filesThere);
    expect(plan.refresh).toBe(true);
  });

  it.each([
    ["container", [network]],
    ["network", [server]],
  ])("refreshes when a hand removed a %s", (_, seen) => {
    expect(planRecovery(state, seen, volumes, filesThere).refresh).toBe(true);
  });

  it("tells apart an engine that has no data of the stack's", () => {
    expect(planRecovery(state, [], [], filesThere).lost).toEqual(["mem0_postgres_test"]);
  });

  it("does not ask a Grafana that may be gone", () => {
    const folder = { urn: "urn:folder", type: "grafana:oss/folder:Folder", id: "1:mem0-test" };
    const plan = planRecovery(
      { ...state, resources: [...state.resources, folder] },
      [network],
      volumes,
      filesThere,
    );
    expect(plan).toMatchObject({ refresh: true, elsewhere: ["urn:folder"] });
  });

  it("removes what a killed run made without noting it", () => {
    const stray: Seen = { kind: "container", id: "c2", name: "mem0_model_test", running: false };
    expect(planRecovery(state, [server, network, stray], volumes, filesThere).strays).toEqual([stray]);
  });

  it("starts a container that was stopped by hand", () => {
    const stopped = { ...server, running: false };
    expect(planRecovery(state, [stopped, network], volumes, filesThere).stopped).toEqual([stopped]);
  });

  it("writes a secret file again that is gone, and leaves other commands alone", () => {
    expect(planRecovery(state, [server, network], volumes, () => false).rewrite).toEqual(["urn:key"]);
  });
});
