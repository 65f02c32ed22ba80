import { describe, expect, it } from "vitest";
import type { GivenSecrets } from "../../../config/settings.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { isSecret, type Registered } from "../../harness/support/mock-engine.ts";
import { stackOf } from "./declared-stack.ts";

const HOOK = "http://127.0.0.1:9/hook?token=hidden";
const external = {
  observability: { grafana: { mode: "external", url: "http://127.0.0.1:3000/", dashboardUid: "other" } },
  grafanaAuth: "me:my password",
};

interface Groups {
  network?: object;
  observability?: object;
  grafanaAuth?: string;
  alertWebhookUrl?: string;
}

/** What a stack with these groups and secrets declares in Grafana, by the last part of its type. */
async function declaredInGrafana(groups: Groups, preview = false) {
  const settings = exampleSettings({ ...groups });
  const { grafanaAuth, alertWebhookUrl } = groups;
  const given: GivenSecrets = {
    ...(grafanaAuth === undefined ? {} : { grafanaAuth }),
    ...(alertWebhookUrl === undefined ? {} : { alertWebhookUrl }),
  };
  const resources = await stackOf(settings, given, preview);
  const ours = resources.filter(({ type }) => /^(grafana:|pulumi:providers:grafana)/.test(type));
  const of = (type: string) => ours.filter((resource) => resource.type.endsWith(`:${type}`));
  const one = (type: string): Registered => {
    const [found, ...more] = of(type);
    if (found === undefined || more.length > 0)
      throw new Error(`${of(type).length} resources of type ${type}`);
    return found;
  };
  return { resources, ours, of, one };
}

describe.each([
  ["up", false],
  ["preview", true],
])("what a stack keeps in Grafana, at %s,", (_, preview) => {
  it("is a folder, a data source, the dashboard and the rules, each replaced before its name is taken again", async () => {
    const { ours, of, one } = await declaredInGrafana({}, preview);
    expect(of("RuleGroup").length).toBeGreaterThan(3);
    for (const type of ["Folder", "DataSource", "Dashboard"]) expect(one(type)).toBeDefined();
    for (const { type, deleteBeforeReplace } of ours) {
      expect(deleteBeforeReplace, type).toBe(!type.startsWith("pulumi:providers"));
    }
  });

  it("is asked for with a login that is secret, at an address that is known when the container is up", async () => {
    const { one } = await declaredInGrafana({}, preview);
    const { url, auth } = one("grafana").inputs;
    expect(url).not.toBe(preview ? "http://127.0.0.1:3001" : undefined);
    if (!preview) {
      expect(url).toBe("http://127.0.0.1:3001");
      expect(isSecret(auth)).toBe(true);
    }
  });
});

describe("the dashboard", () => {
  it("asks the stack's own data source, in its own folder, under the uid of the settings", async () => {
    const { one } = await declaredInGrafana({});
    const { folder, configJson } = one("Dashboard").inputs;
    expect(folder).toBe("mem0-test");
    const model = JSON.parse(String(configJson));
    expect(model).toMatchObject({ uid: "mem0-dashboard", title: "Personal AI Memory (mem0)" });
    expect(model).not.toHaveProperty("id");
    expect(model).not.toHaveProperty("version");
    expect(model.templating.list[0]).toMatchObject({
      type: "datasource",
      current: { text: "mem0 test", value: "mem0-prometheus-test" },
    });
    const other = await declaredInGrafana(external);
    expect(JSON.parse(String(other.one("Dashboard").inputs.configJson)).uid).toBe("other");
  });

  it("is linked from the exporter's page, where there is one", async () => {
    const environment = async (groups: Groups) =>
      (await declaredInGrafana(groups)).resources.find(({ name }) => name === "exporter-container")?.inputs
        .envs;
    expect(await environment({})).toContain("DASHBOARD_URL=http://127.0.0.1:3001/d/mem0-dashboard");
    const off = await environment({ observability: { grafana: { mode: "off" } } });
    expect(JSON.stringify(off)).not.toContain("DASHBOARD_URL");
  });

  it.each<[string, Groups, string]>([
    ["in the stack's network", {}, "http://prometheus:9090"],
    [
      "in an external network",
      {
        network: { external: { name: "intel-network" } },
        observability: { prometheus: { mode: "external", container: "watcher" } },
      },
      "http://watcher:9090",
    ],
    [
      "behind the host",
      { observability: { prometheus: { mode: "external", url: "http://127.0.0.1:9091" } } },
      "http://host.docker.internal:9091",
    ],
    ["of a Grafana on the host", external, "http://127.0.0.1:9090"],
    [
      "wherever the settings say",
      { observability: { grafana: { prometheusUrl: "https://prometheus.example.org/x" } } },
      "https://prometheus.example.org/x",
    ],
  ])("finds the Prometheus %s", async (_, groups, url) => {
    const { one } = await declaredInGrafana(groups);
    expect(one("DataSource").inputs).toMatchObject({ type: "prometheus", url });
  });
});

describe("who is told of an alert", () => {
  it("is nobody unless the settings name a webhook", async () => {
    const { of } = await declaredInGrafana({});
    expect([...of("ContactPoint"), ...of("NotificationPolicy")]).toEqual([]);
  });

  it("is the webhook, whose address is secret, by the tree of policies of the stack's own Grafana", async () => {
    const { one, of } = await declaredInGrafana({ alertWebhookUrl: HOOK });
    const [webhook] = one("ContactPoint").inputs.webhooks as { url: unknown }[];
    expect(isSecret(webhook?.url)).toBe(true);
    expect(one("NotificationPolicy").inputs).toMatchObject({ contactPoint: "mem0 test" });
    for (const { inputs } of of("RuleGroup")) expect(inputs.rules).not.toContainEqual(namesContactPoint);
  });

  it("is named by each rule where the tree of policies is somebody else's", async () => {
    const { of } = await declaredInGrafana({ ...external, alertWebhookUrl: HOOK });
    expect(of("NotificationPolicy")).toEqual([]);
    const rules = of("RuleGroup").flatMap(({ inputs }) => inputs.rules as object[]);
    expect(rules.length).toBeGreaterThan(10);
    for (const rule of rules) expect(rule).toEqual(namesContactPoint);
  });

  const namesContactPoint = expect.objectContaining({
    notificationSettings: { contactPoint: "mem0 test", groupBies: ["grafana_folder", "alertname"] },
  });
});

describe("a Grafana that is there already", () => {
  it("gets what is shown, with the login that was given, and no container is made", async () => {
    const { resources, one } = await declaredInGrafana(external);
    expect(one("grafana").inputs.url).toBe("http://127.0.0.1:3000");
    expect(isSecret(one("grafana").inputs.auth)).toBe(true);
    expect(one("DataSource").inputs.isDefault).toBe(false);
    const names = resources.map(({ name }) => name);
    for (const name of ["grafana-container", "images-grafana", "grafana-data-volume"]) {
      expect(names).not.toContain(name);
    }
    const manifest = String(resources.find(({ name }) => name === "manifest-file-write")?.inputs.stdin);
    expect(manifest).not.toContain("my password");
    expect(JSON.parse(manifest).observability.grafana).toEqual({
      url: "http://127.0.0.1:3000",
      dashboard: "http://127.0.0.1:3000/d/other",
    });
  });
});
