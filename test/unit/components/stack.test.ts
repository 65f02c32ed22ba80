import { beforeAll, describe, expect, it } from "vitest";
import { declareStack } from "../../../components/stack.ts";
import { FOREIGN_IMAGES } from "../../../config/names.ts";
import type { GivenSecrets } from "../../../config/settings.ts";
import { exampleSettings, hostWithoutRegistry } from "../../harness/support/example-settings.ts";
import { declared, isSecret, named, ofType, type Registered } from "../../harness/support/mock-engine.ts";
import { CONTAINER, contexts, stackOf } from "./declared-stack.ts";

const VOLUME = "docker:index/volume:Volume";
const COMMAND = "command:local:Command";
const PASSWORD = "random:index/randomPassword:RandomPassword";

describe.each([
  ["up", false],
  ["preview, where nothing computed is known yet", true],
])("the stack at %s", (_, preview) => {
  let resources: Registered[];
  let containers: Registered[];

  beforeAll(async () => {
    resources = await stackOf(exampleSettings(), {}, preview);
    containers = ofType(resources, CONTAINER);
  });

  it("runs the stores, the model, the server, and what watches them", () => {
    expect(containers.map(({ inputs }) => inputs.name).sort()).toEqual([
      "mem0_gate_test",
      "mem0_grafana_test",
      "mem0_metrics_exporter_test",
      "mem0_model_test",
      "mem0_neo4j_test",
      "mem0_postgres_test",
      "mem0_prometheus_test",
      "mem0_server_test",
    ]);
  });

  it("publishes ports on the loopback address only", () => {
    const ports = containers.flatMap(({ inputs }) => inputs.ports as { ip: string }[]);
    expect(ports).toHaveLength(7);
    expect(new Set(ports.map(({ ip }) => ip))).toEqual(new Set(["127.0.0.1"]));
  });

  it("gives no container more than it needs", () => {
    for (const { inputs } of containers) {
      expect(inputs).toMatchObject({
        readOnly: true,
        user: "10001:10001",
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges:true"],
        restart: "unless-stopped",
        logOpts: { "max-size": "10m", "max-file": "3" },
        removeVolumes: false,
      });
      expect(inputs).not.toHaveProperty("privileged");
    }
  });

  it("limits memory, swap and CPU of every container", () => {
    for (const { inputs } of containers) {
      expect(inputs.memory).toBeGreaterThan(0);
      expect(inputs.memorySwap).toBe(inputs.memory);
      expect(Number(inputs.cpus)).toBeGreaterThan(0);
    }
  });

  it("checks the health of every container and waits for it", () => {
    for (const { inputs } of containers) {
      expect(inputs).toMatchObject({ wait: true, healthcheck: { tests: expect.arrayContaining(["CMD"]) } });
    }
  });

  it("gives every container time to stop, the stores the most", () => {
    const grace = (name: string) => named(resources, `${name}-container`).inputs.destroyGraceSeconds;
    expect(grace("postgres")).toBeGreaterThanOrEqual(60);
    expect(grace("neo4j")).toBeGreaterThanOrEqual(120);
    expect(grace("server")).toBeGreaterThan(0);
    expect(grace("model")).toBeGreaterThan(0);
  });

  it("replaces a container where the provider would only pretend to update it", () => {
    for (const { replaceOnChanges, deleteBeforeReplace } of containers) {
      expect(replaceOnChanges).toEqual(["healthcheck", "tmpfs", "init", "#initerror"]);
      expect(deleteBeforeReplace).toBe(true);
    }
  });

  it("protects and keeps every volume", () => {
    const volumes = ofType(resources, VOLUME);
    expect(volumes.map(({ inputs }) => inputs.name).sort()).toEqual([
      "mem0_data_test",
      "mem0_grafana_test",
      "mem0_neo4j_test",
      "mem0_postgres_test",
      "mem0_prometheus_test",
    ]);
    for (const volume of volumes) {
      expect(volume).toMatchObject({
        // What a setting turned off may leave the state; its volume stays.
        protect: !["mem0_prometheus_test", "mem0_grafana_test"].includes(String(volume.inputs.name)),
        retainOnDelete: true,
        ignoreChanges: ["labels", "driver", "driverOpts"],
      });
    }
  });

  it("protects what the data cannot be opened or recognised without", () => {
    for (const password of ofType(resources, PASSWORD)) expect(password.protect).toBe(true);
    expect(named(resources, "secrets-instance-id").protect).toBe(true);
  });

  it("hands secrets over as files, never in the environment", () => {
    for (const { inputs } of containers) {
      const environment = (inputs.envs as string[]) ?? [];
      expect(JSON.stringify(environment)).not.toMatch(/PASSWORD=|API_KEY=/);
      expect(isSecret(environment)).toBe(false);
      expect(JSON.stringify(inputs)).not.toContain("password-of-");
    }
  });

  it("keeps the content of every secret file secret on its way into the state", () => {
    const files = ofType(resources, COMMAND).filter(({ inputs }) =>
      String((inputs.environment as { FILE?: string }).FILE).includes("/secrets/"),
    );
    expect(files).toHaveLength(8);
    for (const { inputs } of files) {
      const { FILE, ...how } = inputs.environment as Record<string, string>;
      // The seal key is for the verbs alone: when root deploys, the containers' user cannot read it.
      const owner = FILE?.endsWith("/seal_key") === true ? "" : "10001:10001";
      expect(how).toEqual({ MODE: "0600", OWNER: owner });
      expect(inputs.logging).toBe("none");
      if (!preview) expect(isSecret(inputs.stdin)).toBe(true);
    }
  });

  it("prefixes every child with its parent's name", () => {
    const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    const children = resources.filter(({ parent }) => byUrn.has(parent));
    expect(children.length).toBeGreaterThan(15);
    for (const child of children) {
      expect(child.name.startsWith(`${byUrn.get(child.parent)?.name}-`), child.name).toBe(true);
    }
  });

  it("starts the server after the stores and the model, and writes the manifest last", () => {
    const server = named(resources, "server-container");
    for (const store of ["postgres", "neo4j", "model"]) {
      expect(server.dependencies).toContain(named(resources, `${store}-container`).urn);
    }
    expect(named(resources, "manifest-file-write").dependencies).toContain(server.urn);
  });
});

describe("the manifest", () => {
  it("tells names, ports, identity and paths, and no secret", async () => {
    const resources = await stackOf(exampleSettings());
    const content = named(resources, "manifest-file-write").inputs.stdin as string;
    expect(content).not.toContain("password-of-");
    expect(JSON.parse(content)).toMatchObject({
      version: 1,
      stack: "test",
      instanceId: "00112233445566778899aabbccddeeff",
      services: {
        server: { container: "mem0_server_test", image: "sha256:images-server", ports: { http: 8888 } },
      },
      stores: { postgres: "mem0_postgres_test", neo4j: "mem0_neo4j_test", data: "mem0_data_test" },
      model: { embedder: "mem0-embedded", dimensions: 384 },
      secretFiles: {
        api_key: "/home/me/.mem0-host/stacks/test/secrets/api_key",
        seal_key: "/home/me/.mem0-host/stacks/test/secrets/seal_key",
      },
    });
  });

  it("stays on the host when the stack goes", async () => {
    const resources = await stackOf(exampleSettings());
    expect(named(resources, "manifest-file-write").inputs).not.toHaveProperty("delete");
    expect(named(resources, "secrets-api_key-file-write").inputs).toHaveProperty("delete");
  });
});

describe("a stack with another model", () => {
  it("has no model container, and its key is a secret file of the server alone", async () => {
    const settings = exampleSettings({ model: { provider: "openai" }, openaiApiKey: "sk-0123456789" });
    const resources = await stackOf(settings, { openaiApiKey: "sk-0123456789" });
    const containers = ofType(resources, CONTAINER);
    expect(containers).toHaveLength(7);
    const holders = containers.filter(({ inputs }) =>
      JSON.stringify(inputs.mounts).includes("openai_api_key"),
    );
    expect(holders.map(({ name }) => name)).toEqual(["server-container"]);
    expect(JSON.stringify(containers)).not.toContain("sk-0123456789");
    expect(isSecret(named(resources, "secrets-openai_api_key-file-write").inputs.stdin)).toBe(true);
  });
});

describe("a stack with more keys", () => {
  const settings = exampleSettings({ server: { keys: { bot: "write", grafana: "read" } } });

  it("tells the server whom a key is bound to, in words that no name can break", async () => {
    const keys = { bot: { role: "write" as const, users: ["me", "Ann, Bob\u00a0x"] } };
    const resources = await stackOf(exampleSettings({ server: { keys } }), {
      apiKeys: { bot: "given-key-of-the-bot" },
    });
    expect(JSON.stringify(named(resources, "secrets-api_keys-file-write").inputs.stdin)).toContain(
      "bot write given-key-of-the-bot me,Ann%2C%20Bob%C2%A0x\\n",
    );
  });

  it("makes a file for each, and tells the server all names, roles and keys in one", async () => {
    const resources = await stackOf(settings, { apiKeys: { bot: "given-key-of-the-bot" } });
    const content = (secret: string) =>
      JSON.stringify(named(resources, `secrets-${secret}-file-write`).inputs.stdin);
    expect(content("api_key_bot")).toContain("given-key-of-the-bot");
    expect(content("api_keys")).toContain(
      "cli admin password-of-secrets-api-key\\nbot write given-key-of-the-bot\\ngrafana read password-of-secrets-api-key-grafana\\n",
    );
    expect(isSecret(named(resources, "secrets-api_keys-file-write").inputs.stdin)).toBe(true);
    const names = ofType(resources, PASSWORD).map(({ name }) => name);
    expect(names).toContain("secrets-api-key-grafana");
    expect(names).not.toContain("secrets-api-key-bot");
  });

  it("gives them to the server alone, and leaves them free to go", async () => {
    const resources = await stackOf(settings);
    const holders = ofType(resources, CONTAINER).filter(({ inputs }) =>
      JSON.stringify(inputs.mounts).includes("api_key"),
    );
    expect(holders.map(({ name }) => name)).toEqual(["server-container"]);
    expect(named(resources, "secrets-api-key-bot").protect).toBe(false);
  });
});

describe("the memory server", () => {
  it("is told how to behave in the words of its own settings", async () => {
    const settings = exampleSettings({
      server: {
        timeouts: { addSeconds: 300 },
        limits: { bodyKb: 64, requestsPerSecond: 0, requestsAtOnce: 4 },
        graphSearch: "off",
        allowReset: true,
        acceptEmpty: ["graph", "history"],
      },
    });
    const { inputs } = named(await stackOf(settings), "server-container");
    expect(inputs.envs).toEqual(
      expect.arrayContaining([
        "ADD_TIMEOUT_S=300",
        "SEARCH_TIMEOUT_S=20",
        "STORE_TIMEOUT_S=15",
        "MODEL_TIMEOUT_S=45",
        "MAX_BODY_BYTES=65536",
        "RATE_LIMIT_PER_SECOND=0",
        "REQUESTS_AT_ONCE=4",
        expect.stringMatching(
          /^ALLOWED_HOSTS=127\.0\.0\.1,localhost,\[::1\],host\.docker\.internal,.*mem0_server_/,
        ),
        "GRAPH_SEARCH=off",
        "ALLOW_RESET=true",
        "ADOPT_EXISTING_DATA=false",
        "ACCEPT_EMPTY=graph,history",
        "LLM_PROVIDER=embedded",
        "EMBEDDER_PROVIDER=embedded",
      ]),
    );
  });
});

describe("a stack with a data root", () => {
  it("keeps its stores in protected directories and makes no volume", async () => {
    const resources = await stackOf(exampleSettings({ data: { root: "~/mem0-data" } }, "prd"));
    expect(ofType(resources, VOLUME)).toEqual([]);
    const directory = named(resources, "postgres-data-directory");
    expect(directory).toMatchObject({ protect: true, retainOnDelete: true });
    expect(directory.inputs).not.toHaveProperty("delete");
    expect(named(resources, "postgres-container").inputs.mounts).toContainEqual(
      expect.objectContaining({ type: "bind", source: "/home/me/mem0-data/postgres" }),
    );
  });
});

describe("what watches a stack", () => {
  const external = {
    network: { external: { name: "intel-network" } },
    observability: { prometheus: { mode: "external" } },
  };

  it("reads Postgres with a role of its own and gets no key of the API", async () => {
    const { inputs } = named(await stackOf(exampleSettings()), "exporter-container");
    expect(inputs.envs).toContain("POSTGRES_USER=mem0_metrics_test");
    expect(JSON.stringify(inputs.mounts)).not.toMatch(/api_key|postgres_password/);
  });

  it("is left out when the settings say so", async () => {
    const observability = {
      exporter: "off",
      prometheus: { mode: "off" },
      grafana: { mode: "off" },
    };
    const names = ofType(await stackOf(exampleSettings({ observability })), CONTAINER).map(
      ({ name }) => name,
    );
    expect(names.filter((name) => /exporter|prometheus|grafana/.test(name))).toEqual([]);
  });

  it("is a Prometheus of somebody else's, when the settings say so: it gets files and no container is made", async () => {
    const resources = await declared(() =>
      declareStack(exampleSettings(external), {}, contexts, { externalPrometheusRuns: true, runbook: "" }),
    );
    expect(ofType(resources, CONTAINER).map(({ name }) => name)).not.toContain("prometheus-container");
    const { environment } = named(resources, "external-prometheus-registration").inputs as {
      environment: Record<string, string>;
    };
    expect(environment).toMatchObject({ CONTAINER: "intel-prometheus-standalone", RUNNING: "true" });
    expect(environment.SCRAPE).toContain("mem0_metrics_exporter_test:9103");
    const networks = JSON.stringify(named(resources, "exporter-container").inputs.networksAdvanced);
    expect(networks).toContain("intel-network");
  });

  it("publishes the server's own metrics only to an exporter on the host", async () => {
    const portsOf = async (exporter: string) => {
      const resources = await stackOf(exampleSettings({ observability: { exporter } }));
      return (named(resources, "gate-container").inputs.ports as { internal: number }[]).map(
        ({ internal }) => internal,
      );
    };
    expect(await portsOf("container")).not.toContain(9464);
    expect(await portsOf("host")).toContain(9464);
  });
});

describe("the stack's own Grafana", () => {
  it("is the pinned image, takes its secrets from files, lets nobody in without an account and calls nobody", async () => {
    const resources = await stackOf(exampleSettings());
    expect(named(resources, "images-grafana").inputs).toEqual({
      name: FOREIGN_IMAGES.grafana,
      keepLocally: true,
    });
    expect(FOREIGN_IMAGES.grafana).toMatch(/:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
    const { inputs } = named(resources, "grafana-container");
    expect(inputs.envs).toEqual(
      expect.arrayContaining([
        "GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/grafana_admin_password",
        "GF_SECURITY_SECRET_KEY__FILE=/run/secrets/grafana_secret_key",
        "GF_ANALYTICS_REPORTING_ENABLED=false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES=false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false",
        "GF_AUTH_ANONYMOUS_ENABLED=false",
        "GF_PLUGINS_PREINSTALL_DISABLED=true",
        "GF_USERS_ALLOW_SIGN_UP=false",
      ]),
    );
    expect(inputs).toMatchObject({
      ports: [],
      mounts: expect.arrayContaining([
        { type: "volume", source: "mem0_grafana_test", target: "/var/lib/grafana" },
      ]),
      memory: 512,
    });
  });

  it("reaches beyond the stack's network only where what it asks or tells is there", async () => {
    const hosts = async (groups: object, given: GivenSecrets = {}) =>
      named(await stackOf(exampleSettings({ ...groups }), given), "grafana-container").inputs.hosts;
    expect(await hosts({})).toBeUndefined();
    const outside = [{ host: "host.docker.internal", ip: "host-gateway" }];
    expect(await hosts({ observability: { prometheus: { mode: "external" } } })).toEqual(outside);
    expect(await hosts({}, { alertWebhookUrl: "http://host.docker.internal:9/hook" })).toEqual(outside);
  });

  it("is in the manifest, with the dashboard's address and the paths of its secrets", async () => {
    const resources = await stackOf(exampleSettings());
    expect(JSON.parse(named(resources, "manifest-file-write").inputs.stdin as string)).toMatchObject({
      services: { grafana: { container: "mem0_grafana_test", ports: { http: 3001 } } },
      stores: { grafana: "mem0_grafana_test" },
      observability: {
        grafana: {
          url: "http://127.0.0.1:3001",
          dashboard: "http://127.0.0.1:3001/d/mem0-dashboard",
          adminUser: "admin",
        },
      },
      secretFiles: {
        grafana_admin_password: "/home/me/.mem0-host/stacks/test/secrets/grafana_admin_password",
      },
    });
  });

  it("leaves its protected secrets behind when it goes, since its data know no others", async () => {
    const resources = await stackOf(exampleSettings({ observability: { grafana: { mode: "off" } } }));
    expect(ofType(resources, CONTAINER).map(({ name }) => name)).not.toContain("grafana-container");
    for (const secret of ["secrets-grafana-admin-password", "secrets-grafana-secret-key"]) {
      expect(named(resources, secret).protect).toBe(true);
    }
    expect(resources.map(({ name }) => name)).not.toContain("secrets-grafana_admin_password-file");
  });
});

describe("a machine without an image registry", () => {
  it("runs all but Grafana, declares nothing that needs it, and the manifest names none", async () => {
    const resources = await stackOf(exampleSettings({}, "test", hostWithoutRegistry));
    expect(ofType(resources, CONTAINER)).toHaveLength(7);
    expect(resources.filter(({ type }) => type.includes("grafana:"))).toEqual([]);
    const manifest = JSON.parse(named(resources, "manifest-file-write").inputs.stdin as string);
    expect(manifest.services).not.toHaveProperty("grafana");
    expect(manifest.observability).not.toHaveProperty("grafana");
  });
});

describe("the Telegram bot", () => {
  const TOKEN = "730000001:AAtests-of-mem0_and_of_nothing_else";
  const groups = { telegram: { users: { 4001: "anna", 4002: "ben", 4003: "anna" } }, telegramToken: TOKEN };
  const inputsOf = (resources: readonly Registered[], name: string) =>
    resources.find((one) => one.name === name)?.inputs;
  const withBot = () => stackOf(exampleSettings(groups), { telegramToken: TOKEN, telegramChat: "-1001" });

  it("is there only where the settings say so, and changes no other container but whom it talks to", async () => {
    const without = ofType(await stackOf(exampleSettings()), CONTAINER);
    const containers = ofType(await withBot(), CONTAINER);
    expect(without.map(({ inputs }) => inputs.name)).not.toContain("mem0_telegram_bot_test");
    const same = (name: string) =>
      JSON.stringify(inputsOf(containers, name)) === JSON.stringify(inputsOf(without, name));
    const changed = without.map(({ name }) => name).filter((name) => !same(name));
    expect(changed.sort()).toEqual(["exporter-container", "server-container"]);
    expect(containers.map(({ inputs }) => inputs.name)).toContain("mem0_telegram_bot_test");
  });

  it("has what it repeats known by the server for as long as an outage may last", async () => {
    const resources = await withBot();
    expect(named(resources, "server-container").inputs.envs).toContain("IDEMPOTENCY_HOURS=720");
    expect(named(resources, "telegram-bot-container").inputs.envs).toContain("SERVER_KEY_HOURS=720");
  });

  it("has its token and its key as files, an inbox on a volume, a way out, and no port on the host", async () => {
    const { inputs } = named(await withBot(), "telegram-bot-container");
    const mounts = inputs.mounts as { target: string; readOnly?: boolean; source: string }[];
    expect(mounts.map(({ target }) => target)).toEqual([
      "/data",
      "/run/secrets/telegram_token",
      "/run/secrets/api_key_telegram_bot",
    ]);
    expect(mounts[0]?.source).toBe("mem0_telegram_bot_test");
    expect(inputs.ports).toEqual([]);
    expect(inputs.hosts).toEqual([{ host: "host.docker.internal", ip: "host-gateway" }]);
    expect(JSON.stringify(inputs)).not.toContain(TOKEN);
  });

  it("has a key that is bound to its users, each once", () => {
    expect(exampleSettings(groups).server.keys).toEqual({
      telegram_bot: { role: "write", users: ["anna", "ben"] },
    });
    expect(exampleSettings().server.keys).toEqual({});
  });

  it("leaves token and chat as secrets, which the manifest names by their paths alone", async () => {
    const resources = await withBot();
    for (const secret of ["telegram_token", "telegram_chat"])
      expect(isSecret(named(resources, `secrets-${secret}-file-write`).inputs.stdin), secret).toBe(true);
    const manifest = JSON.stringify(named(resources, "manifest-file-write").inputs.stdin);
    expect(manifest).toContain("secrets/telegram_chat");
    expect(manifest).not.toContain(TOKEN);
  });
});
