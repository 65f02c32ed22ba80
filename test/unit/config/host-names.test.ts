import { describe, expect, it } from "vitest";
import { allowedHosts } from "../../../config/host-names.ts";
import { parseSettings } from "../../../config/settings.ts";
import { exampleHost } from "../../harness/support/example-settings.ts";

const settingsWith = (network: object) =>
  parseSettings("prd", { model: '{"provider":"embedded"}', network: JSON.stringify(network) }, exampleHost);

function hostsWith(network: object): string[] {
  const parsed = settingsWith(network);
  if (!parsed.ok) throw new Error(parsed.mistakes.join("\n"));
  return allowedHosts(parsed.settings);
}

describe("a stack answers", () => {
  it("to loopback's names, the host's from a container, and its containers' under both of theirs", () => {
    expect(hostsWith({})).toEqual(
      expect.arrayContaining([
        ...["127.0.0.1", "localhost", "[::1]", "host.docker.internal"],
        ...["server", "mem0_server_prd", "prometheus", "mem0_prometheus_prd"],
        ...["metrics_exporter", "mem0_metrics_exporter_prd"],
      ]),
    );
  });

  it("to the names that the settings add, and to each once", () => {
    const hosts = hostsWith({ hostNames: ["mac.tail1234.ts.net", "100.64.0.7", "localhost"] });
    expect(hosts).toContain("mac.tail1234.ts.net");
    expect(hosts).toContain("100.64.0.7");
    expect(hosts.filter((name) => name === "localhost")).toHaveLength(1);
  });

  it.each(["*", "Mac.local", "mac.local:8888", "http://mac.local", "a,b", "-a", "", "::1"])(
    "to no name that is none: %j",
    (name) => {
      const parsed = settingsWith({ hostNames: [name] });
      expect(parsed.ok ? [] : parsed.mistakes).toEqual([
        `mem0:network.hostNames.0: is ${JSON.stringify(name)}; allowed: a host's name in lower case, or its address ` +
          "(IPv6 in brackets), without a port",
      ]);
    },
  );
});
