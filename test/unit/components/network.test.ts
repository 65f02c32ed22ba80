import { describe, expect, it } from "vitest";
import type { GivenSecrets } from "../../../config/settings.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { ofType } from "../../harness/support/mock-engine.ts";
import { CONTAINER, stackOf } from "./declared-stack.ts";

describe("the networks of a stack", () => {
  const networksOf = async (groups: object, given: GivenSecrets = {}) => {
    const resources = await stackOf(exampleSettings({ ...groups }), given);
    return Object.fromEntries(
      ofType(resources, CONTAINER).map(({ name, inputs }) => [
        name.replace("-container", ""),
        (inputs.networksAdvanced as { name: string }[]).map((network) => network.name),
      ]),
    );
  };
  const [inside, edge, outward] = ["mem0_internal_test", "mem0_edge_test", "mem0_outward_test"];
  const openai = { model: { provider: "openai" }, openaiApiKey: "sk-0123456789" };

  it("leave every container without a way out that needs none", async () => {
    expect(await networksOf({})).toEqual({
      ...Object.fromEntries(
        ["postgres", "neo4j", "model", "metrics_exporter", "prometheus", "grafana"].map((service) => [
          service === "metrics_exporter" ? "exporter" : service,
          [inside],
        ]),
      ),
      server: [inside, edge],
      gate: [inside, edge],
    });
  });

  it.each<[string, string, object, GivenSecrets]>([
    ["the server, to a model elsewhere", "server", openai, {}],
    ["Grafana, to a webhook", "grafana", {}, { alertWebhookUrl: "http://alerts.example/hook" }],
    ["Prometheus, to an exporter on the host", "prometheus", { observability: { exporter: "host" } }, {}],
  ])("let out only who has to: %s", async (_, service, groups, given) => {
    const networks = await networksOf(groups, given);
    expect(networks[service]).toEqual([inside, outward]);
    const others = Object.entries(networks).filter(([name]) => name !== service);
    expect(others.filter(([, joined]) => joined.includes(outward))).toEqual([]);
  });

  it("let the Telegram bot out, and within the stack to the server and whoever asks how it is", async () => {
    const bot = "mem0_bot_test";
    const telegramToken = "730000001:AAtests-of-mem0_and_of_nothing_else";
    const networks = await networksOf(
      { telegram: { users: { 4001: "anna" } }, telegramToken },
      { telegramToken },
    );
    expect(networks["telegram-bot"]).toEqual([bot, outward]);
    const beside = Object.entries(networks).filter(
      ([name, joined]) => name !== "telegram-bot" && joined.includes(bot),
    );
    expect(Object.fromEntries(beside)).toEqual({ server: [inside, bot, edge], exporter: [inside, bot] });
  });

  it("are three kinds: without any way out, for published ports only, and like any other", async () => {
    const resources = await stackOf(exampleSettings(openai));
    const args = ofType(resources, "docker:index/network:Network").map(({ inputs }) => [
      inputs.name,
      { internal: inputs.internal, options: inputs.options },
    ]);
    expect(Object.fromEntries(args)).toEqual({
      [inside]: { internal: true, options: undefined },
      [edge]: {
        internal: undefined,
        options: { "com.docker.network.bridge.enable_ip_masquerade": "false" },
      },
      [outward]: { internal: undefined, options: undefined },
    });
  });

  it("let the server alone join one that others share", async () => {
    const networks = await networksOf({ network: { external: { name: "intel-network" } } });
    const joined = Object.entries(networks).filter(([, names]) => names.includes("intel-network"));
    expect(joined.map(([name]) => name)).toEqual(["server"]);
  });

  it("keep the names that a closed container asks for from the name servers of the host", async () => {
    const resources = await stackOf(exampleSettings(openai));
    const closed = {
      dns: ["127.0.0.1"],
      dnsOpts: ["attempts:1", "ndots:1", "timeout:1"],
      dnsSearches: ["."],
    };
    for (const { name, inputs } of ofType(resources, CONTAINER)) {
      if (name === "server-container") expect(inputs).not.toHaveProperty("dns");
      else expect(inputs, name).toMatchObject(closed);
    }
  });
});
