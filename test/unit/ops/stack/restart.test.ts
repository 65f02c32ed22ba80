import { describe, expect, it } from "vitest";
import { ExitCode } from "../../../../ops/base/problem.ts";
import { DeployedStack } from "../../../../ops/stack/deployed-stack.ts";
import { servicesToRestart } from "../../../../ops/stack/restart.ts";
import { exampleManifest } from "../../../harness/support/example-manifest.ts";

const service = (name: string) => ({ container: `mem0_${name}_test`, image: "sha256:0", ports: {} });
const named = (...names: string[]) => Object.fromEntries(names.map((name) => [name, service(name)]));
const services = named("grafana", "server", "neo4j", "postgres", "metrics_exporter");
const stack = new DeployedStack(exampleManifest({ services }), "/nowhere");

describe("a restart", () => {
  it("without names is of all services, each behind those that it needs", () => {
    expect(servicesToRestart(stack, [])).toEqual([
      "postgres",
      "neo4j",
      "server",
      "metrics_exporter",
      "grafana",
    ]);
  });

  it("keeps that order, however a person names them, and takes each once", () => {
    expect(servicesToRestart(stack, ["server", "postgres", "server"])).toEqual(["postgres", "server"]);
  });

  it("of what is no service of the stack is refused with those that are", () => {
    const restart = () => servicesToRestart(stack, ["server", "redis"]);
    expect(restart).toThrow("stack test has no service redis");
    expect(restart).toThrow(
      expect.objectContaining({
        exitCode: ExitCode.usage,
        mend: "one or more of: postgres, neo4j, server, metrics_exporter, grafana",
      }),
    );
  });
});
