import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SECRET_KEYS } from "../../../config/schema.ts";
import { servicesOf } from "../../../config/services.ts";
import { type Host, parseSettings } from "../../../config/settings.ts";
import { exampleHost, exampleSettings, hostWithoutRegistry } from "../../harness/support/example-settings.ts";

const embedded = { model: '{"provider":"embedded"}' };

function mistakesOf(config: Record<string, string>, stack = "test"): string[] {
  const parsed = parseSettings(stack, config, exampleHost);
  return parsed.ok ? [] : parsed.mistakes;
}

const BOT_TOKEN = "730000001:AAtests-of-mem0_and_of_nothing_else";

describe("a stack file", () => {
  it("needs nothing but a model", () => {
    expect(mistakesOf(embedded)).toEqual([]);
    expect(mistakesOf({})).toEqual([
      "mem0:model: missing; needed: a group with provider: embedded, openai, openai-compatible, mixed",
    ]);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      "an unknown group",
      { ports2: "{}" },
      "mem0:ports2: unknown key; allowed here: ports, data, network, model, memory, server, resources, observability, backup, schedule, timeouts, telegram, alerts, openaiApiKey, apiKey, apiKeys, grafanaAuth, alertWebhookUrl, telegramToken, telegramChat",
    ],
    [
      "an unknown key",
      { ports: '{"sever":1}' },
      "mem0:ports.sever: unknown key; allowed here: server, postgres, neo4jHttp, neo4jBolt, exporter, prometheus, grafana, serverMetrics",
    ],
    [
      "a wrong type",
      { ports: '{"server":"abc"}' },
      'mem0:ports.server: is "abc"; allowed: a whole number from 1024 to 65535',
    ],
    [
      "a number out of bounds",
      { ports: '{"server":80}' },
      "mem0:ports.server: is 80; allowed: a whole number from 1024 to 65535",
    ],
    [
      "a group that is no group",
      { ports: "8888" },
      "mem0:ports: is 8888; allowed: a group of server, postgres, neo4jHttp, neo4jBolt, exporter, prometheus, grafana, serverMetrics",
    ],
    [
      "an unknown provider",
      { model: '{"provider":"ollama"}' },
      'mem0:model.provider: is "ollama"; allowed: a group with provider: embedded, openai, openai-compatible, mixed',
    ],
    [
      "a key of another provider",
      { model: '{"provider":"embedded","llm":"x"}' },
      "mem0:model.llm: unknown key; allowed here: provider",
    ],
    [
      "a missing key",
      { model: '{"provider":"openai-compatible","baseUrl":"http://h/v1","llm":"a","embedder":"b"}' },
      "mem0:model.dimensions: missing; needed: a whole number from 1 to 2000",
    ],
    [
      "a bad URL",
      {
        model: '{"provider":"openai-compatible","baseUrl":"ftp://h","llm":"a","embedder":"b","dimensions":8}',
      },
      'mem0:model.baseUrl: is "ftp://h"; allowed: a URL that begins with http:// or https://',
    ],
    [
      "a relative data root",
      { data: '{"root":"data"}' },
      'mem0:data.root: is "data"; allowed: an absolute path, or one that begins with ~/',
    ],
    [
      "two equal ports",
      { ports: '{"server":7474}' },
      "mem0:ports.server and mem0:ports.neo4jHttp: both are 7474; allowed: every port once",
    ],
    [
      "a Prometheus with nothing to scrape",
      { observability: '{"exporter":"off"}' },
      "mem0:observability.exporter: is off; allowed with a Prometheus (mode managed): container, host; or set mem0:observability.prometheus.mode: off",
    ],
    [
      "a Grafana with nothing to show",
      { observability: '{"exporter":"off","prometheus":{"mode":"off"}}' },
      "mem0:observability.prometheus.mode: is off; allowed with a Grafana (mode container): managed, external; or set mem0:observability.grafana.mode: off",
    ],
    [
      "a dashboard's uid that Grafana would not take",
      { observability: '{"grafana":{"dashboardUid":"mem0/dashboard"}}' },
      'mem0:observability.grafana.dashboardUid: is "mem0/dashboard"; allowed: letters, digits, `_`, `-`, at most 40 characters',
    ],
    [
      "a bot without a token",
      { telegram: '{"users":{"4001":"anna"}}' },
      "mem0:telegramToken: missing; needed with mem0:telegram, as @BotFather tells it: " +
        'eval "$(./mem0 env)" && pulumi config set --secret mem0:telegramToken --stack test',
    ],
    [
      "a token that is none",
      { telegram: '{"users":{"4001":"anna"}}', telegramToken: "not-a-token" },
      "mem0:telegramToken: is not usable; allowed: a bot's token as @BotFather tells it: digits, a colon, letters and digits",
    ],
    [
      "a bot for nobody",
      { telegram: '{"users":{}}', telegramToken: BOT_TOKEN },
      "mem0:telegram.users: is {}; allowed: a group of names",
    ],
    [
      "a key under the bot's name",
      {
        telegram: '{"users":{"4001":"anna"}}',
        telegramToken: BOT_TOKEN,
        server: '{"keys":{"telegram_bot":"read"}}',
      },
      "mem0:server.keys.telegram_bot: is the Telegram bot's own key; take another name",
    ],
    [
      "a chat that is none",
      { telegramChat: "my friends" },
      "mem0:telegramChat: is not usable; allowed: a chat's id, or @ and the name of a channel",
    ],
    [
      "two places for copies of backups",
      { backup: '{"copyTo":{"path":"/a","command":["b"]}}' },
      "mem0:backup.copyTo: allowed: either path or command",
    ],
    [
      "copies of Postgres' files that anybody could read",
      { backup: '{"hourlyFiles":true}' },
      "mem0:backup.recipients: missing; needed with mem0:backup.hourlyFiles, for Postgres' files hold the roles' password verifiers: [age1...], as age-keygen prints it",
    ],
    [
      "a Neo4j that does not fit",
      { resources: '{"neo4j":{"heapMb":1000}}' },
      "mem0:resources.neo4j.memoryMb: is 1024; allowed: at least 1608 (heapMb 1000 + pageCacheMb 128 + 480 for the JVM)",
    ],
    [
      "a CPU limit that Docker's plugin reads back as another one",
      { resources: '{"server":{"cpus":20.05}}' },
      "mem0:resources.server.cpus: is 20.05; allowed: 20.1 (the official docker plugin reads what was given back as another number, and would replace the container at every up)",
    ],
    [
      "a name of a key that cannot be a file's",
      { server: '{"keys":{"My Bot":"write"}}' },
      "mem0:server.keys.My Bot: unusable name; allowed: a name of lower case letters, digits, `_` and `-`, at most 32 characters",
    ],
    [
      "a role that there is not",
      { server: '{"keys":{"bot":"owner"}}' },
      'mem0:server.keys.bot: is "owner"; allowed: read, write, admin, or a group of role, users',
    ],
    [
      "a key of an admin that is bound to users",
      { server: '{"keys":{"bot":{"role":"admin","users":["me"]}}}' },
      'mem0:server.keys.bot.role: is "admin"; allowed: read, write',
    ],
    [
      "a key that is bound to nobody",
      { server: '{"keys":{"bot":{"role":"write","users":[]}}}' },
      "mem0:server.keys.bot.users: is []; allowed: a list of texts, at least 1",
    ],
    [
      "a key that is bound to a user without a name",
      { server: '{"keys":{"bot":{"role":"write","users":[" "]}}}' },
      'mem0:server.keys.bot.users.0: is " "; allowed: a name of 1 to 128 characters, not blank and without control characters',
    ],
    [
      "a key without a role",
      { server: '{"keys":{"bot":{"users":["me"]}}}' },
      "mem0:server.keys.bot.role: missing; needed: read, write",
    ],
    [
      "a word about a key that there is not",
      { server: '{"keys":{"bot":{"role":"read","users":["me"],"user":"x"}}}' },
      "mem0:server.keys.bot.user: unknown key; allowed here: role, users",
    ],
    [
      "another role for the owner's key",
      { server: '{"keys":{"cli":"read"}}' },
      "mem0:server.keys.cli: is the owner's own key, with the role admin; take another name",
    ],
    [
      "a given key without a role",
      { apiKeys: "bot 0123456789abcdef" },
      "mem0:apiKeys: line 1: bot has no role; allowed: names in mem0:server.keys",
    ],
    [
      "a given key that is too short",
      { server: '{"keys":{"bot":"write"}}', apiKeys: "bot hunter2" },
      "mem0:apiKeys: line 1: the key is too short; allowed: 16 characters or more",
    ],
    [
      "two keys for one name",
      { server: '{"keys":{"bot":"write"}}', apiKeys: "bot 0123456789abcdef\nbot 0123456789abcdef" },
      "mem0:apiKeys: line 2: bot has a key already; allowed: one each",
    ],
    [
      "a line that is no key",
      { apiKeys: "0123456789abcdef" },
      "mem0:apiKeys: line 1 has 1 words; allowed: a name and a key",
    ],
    [
      "a store that cannot be accepted empty",
      { server: '{"acceptEmpty":["postgres"]}' },
      'mem0:server.acceptEmpty.0: is "postgres"; allowed: graph, history',
    ],
    [
      "a list that is none",
      { server: '{"acceptEmpty":"graph"}' },
      'mem0:server.acceptEmpty: is "graph"; allowed: a list of graph, history',
    ],
    [
      "an address for a part that has its own",
      {
        model:
          '{"provider":"mixed","llm":{"provider":"embedded","baseUrl":"http://h"},"embedder":{"provider":"embedded"}}',
      },
      "mem0:model.llm.baseUrl: has no meaning with embedded; take it out",
    ],
    [
      "a part of a model without its address",
      {
        model:
          '{"provider":"mixed","llm":{"provider":"openai-compatible","model":"a"},"embedder":{"provider":"embedded"}}',
      },
      "mem0:model.llm.baseUrl: missing; needed with openai-compatible",
    ],
    [
      "OpenAI for one part and no key",
      { model: '{"provider":"mixed","llm":{"provider":"openai"},"embedder":{"provider":"embedded"}}' },
      'mem0:openaiApiKey: missing; needed with provider openai: eval "$(./mem0 env)" && pulumi config set --secret mem0:openaiApiKey --stack test',
    ],
  ])("with %s is refused in words", (_, config, mistake) => {
    expect(mistakesOf({ ...embedded, ...config })).toEqual([mistake]);
  });

  it.each([
    ["text-embedding-3-small", 1536, true],
    ["text-embedding-3-small", 512, true],
    ["text-embedding-3-small", 1537, false],
    ["text-embedding-3-large", 2000, true],
    ["text-embedding-ada-002", 1536, true],
    ["text-embedding-ada-002", 512, false],
    ["nomic-embed-text", 768, false],
  ])("with OpenAI's %s of %i dimensions is accepted: %s", (embedder, dimensions, accepted) => {
    const model = JSON.stringify({ provider: "openai", embedder, dimensions });
    expect(mistakesOf({ model, openaiApiKey: "sk-0123456789" }).length === 0).toBe(accepted);
  });

  it("names the command that stores a missing key", () => {
    expect(mistakesOf({ model: '{"provider":"openai"}' })).toEqual([
      'mem0:openaiApiKey: missing; needed with provider openai: eval "$(./mem0 env)" && pulumi config set --secret mem0:openaiApiKey --stack test',
    ]);
  });

  it("names what an external Grafana needs", () => {
    const observability = JSON.stringify({ grafana: { mode: "external" } });
    expect(mistakesOf({ ...embedded, observability })).toEqual([
      "mem0:observability.grafana.url: missing; needed with mode external: its address, e.g. http://127.0.0.1:3000",
      'mem0:grafanaAuth: missing; needed with mode external, user:password or a token: eval "$(./mem0 env)" && pulumi config set --secret mem0:grafanaAuth --stack test',
    ]);
  });

  it("reports every mistake at once", () => {
    const config = { ports: '{"server":1,"x":2}', model: '{"provider":"openai","dimensions":0}', y: "1" };
    expect(mistakesOf(config, "Test Stack")).toHaveLength(5);
  });

  it("never shows the value of a secret", () => {
    for (const key of SECRET_KEYS) {
      const shown = mistakesOf({ ...embedded, [key]: "hunter2" }).join("\n");
      expect(shown).toContain(`mem0:${key}`);
      expect(shown).not.toContain("hunter2");
    }
  });

  it("is never half accepted, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.json(), fc.string())), (config) => {
        const parsed = parseSettings("test", config, exampleHost);
        return parsed.ok || parsed.mistakes.every((mistake) => mistake.startsWith("mem0:"));
      }),
      { verbose: 1 },
    );
  });

  it("with four different ports in bounds is accepted, with a repeated one refused", () => {
    const port = fc.integer({ min: 1024, max: 65535 });
    fc.assert(
      fc.property(
        fc.array(port, { minLength: 4, maxLength: 4 }),
        ([server, postgres, neo4jHttp, neo4jBolt]) => {
          const ports = { server, postgres, neo4jHttp, neo4jBolt };
          const unique = new Set(Object.values(ports)).size === 4;
          return unique === (mistakesOf({ ...embedded, ports: JSON.stringify(ports) }).length === 0);
        },
      ),
      { verbose: 1 },
    );
  });
});

describe("settings", () => {
  it("may have one provider for the chat model and another for the embedder", () => {
    const settings = exampleSettings({
      model: { provider: "mixed", llm: { provider: "openai" }, embedder: { provider: "embedded" } },
      openaiApiKey: "sk-0123456789",
    });
    expect(settings.model.llm).toEqual({ provider: "openai", model: "gpt-4.1-mini" });
    expect(settings.model.embedder).toEqual({
      provider: "embedded",
      model: "mem0-embedded",
      baseUrl: "http://model:8000/v1",
      dimensions: 384,
    });
    expect(servicesOf(settings)).toContain("model");
  });

  it("put the data root's ~ into the user's home and the state beside the other stacks", () => {
    const settings = exampleSettings({ data: { root: "~/mem0-data" } }, "prd");
    expect(settings.dataRoot).toBe("/home/me/mem0-data");
    expect(settings.stateDir).toBe("/home/me/.mem0-host/stacks/prd");
  });

  it("name things after the stack", () => {
    const { names } = exampleSettings({}, "prd");
    expect(names.container("postgres")).toBe("mem0_postgres_prd");
    expect(names.internalNetwork).toBe("mem0_internal_prd");
    expect([names.database, names.databaseUser]).toEqual(["mem0_prd", "mem0_user_prd"]);
  });

  it("leave out a container whose image cannot be had, and nothing else", () => {
    const grafana = (mode: string) => ({
      observability: { grafana: { mode, url: "http://h:3000" } },
      grafanaAuth: "me:password",
    });
    const found = (mode: string, host: Host) => exampleSettings(grafana(mode), "test", host).grafana;
    expect(found("container", exampleHost)).toBe("container");
    expect(found("container", hostWithoutRegistry)).toBe("left-out");
    expect(found("external", hostWithoutRegistry)).toBe("external");
    expect(found("off", hostWithoutRegistry)).toBe("off");
  });

  it("cannot be changed afterwards", () => {
    const settings = exampleSettings();
    expect(() => Object.assign(settings, { stack: "other" })).toThrow(TypeError);
  });
});
