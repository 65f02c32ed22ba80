import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as grafana from "@pulumiverse/grafana";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Alerts } from "../../../components/alerts.ts";
import { Dashboard } from "../../../components/dashboard.ts";
import { openStack } from "../../../ops/stack/deployment.ts";
import { MACHINE_FILE, type Machine } from "../../../ops/stack/machine-file.ts";
import { planRecovery } from "../../../ops/stack/recovery-plan.ts";
import { FakeGrafana } from "../../harness/fakes/grafana/server.ts";
import { exampleSettings } from "../../harness/support/example-settings.ts";
import { makeProject, type Project } from "../../harness/support/project.ts";
import { type Outcome, Sandbox } from "../toolchain/plugins/sandbox.ts";

const HOOK = "http://127.0.0.1:9/hook?token=hidden-in-the-hook";

describe("what a stack keeps in Grafana", () => {
  let sandbox: Sandbox;
  let fake: FakeGrafana;

  beforeAll(async () => {
    [sandbox, fake] = await Promise.all([Sandbox.create(), FakeGrafana.start()]);
  });

  afterAll(async () => {
    await fake.stop();
    await sandbox.dispose();
  });

  /** The real dashboard and rules, declared as components/stack.ts does. */
  const program = (alerts: object = {}, own = true) => {
    const settings = exampleSettings({
      observability: { alerts, grafana: { mode: "external", url: fake.url, ownsPolicies: own } },
      grafanaAuth: fake.auth,
    });
    return async () => {
      const auth = pulumi.secret(fake.auth);
      const providers = [new grafana.Provider("grafana-provider", { url: fake.url, auth })];
      const dashboard = new Dashboard("dashboard", { settings }, { providers });
      const receivers = { webhookUrl: pulumi.secret(HOOK) };
      new Alerts("alerts", { settings, dashboard, receivers }, { providers });
    };
  };
  const changed = ({ steps }: Outcome) => steps.map(({ name, op }) => `${op} ${name}`).sort();

  test("is taken by Grafana as it is: every panel, every rule", async () => {
    const outcome = await sandbox.up(program());
    expect(outcome.error).toBeUndefined();
    const { folders, dashboards, dataSources, ruleGroups, policies } = fake.content;
    expect([...folders.keys()]).toEqual(["mem0-test"]);
    expect(dashboards.get("mem0-dashboard")).toMatchObject({ folderUid: "mem0-test" });
    expect(dataSources.get("mem0-prometheus-test")).toMatchObject({ type: "prometheus" });
    const rules = [...ruleGroups.values()].flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(15);
    expect(new Set(rules.flatMap(({ data }) => data.map(({ datasourceUid }) => datasourceUid)))).toEqual(
      new Set(["mem0-prometheus-test", "__expr__"]),
    );
    expect(policies.receiver).toBe("mem0 test");
  });

  test("is left alone by the next preview, refresh and up", async () => {
    const before = [...fake.changes];
    expect(await sandbox.leftToDo(program())).toEqual([]);
    expect(fake.changes).toEqual(before);
  });

  test("another threshold changes its group of rules, the dashboard's colour, and nothing else", async () => {
    fake.changes.length = 0;
    const outcome = await sandbox.up(program({ connections: 0.7 }));
    expect(outcome.error).toBeUndefined();
    expect(changed(outcome)).toEqual(["update alerts-mem0-test-resources", "update dashboard-panels"]);
    expect(fake.changes.sort()).toEqual([
      "POST /api/dashboards/db",
      "PUT /api/v1/provisioning/folder/mem0-test/rule-groups/mem0-test-resources",
    ]);
  });

  test("what a hand changed is found by a refresh and mended", async () => {
    await fake.ask("DELETE", "/api/dashboards/uid/mem0-dashboard");
    await fake.ask("PUT", "/api/folders/mem0-test", { title: "Mine", overwrite: true });
    expect(changed(await sandbox.refresh())).toEqual(["delete dashboard-panels", "update dashboard-folder"]);
    expect((await sandbox.up(program())).error).toBeUndefined();
    expect(fake.content.dashboards.has("mem0-dashboard")).toBe(true);
    expect(fake.content.folders.get("mem0-test")?.title).toBe("mem0 test");
    expect(await sandbox.storedState()).not.toMatch(/hidden-in-the-hook|a password of the tests/);
  });

  test("gives the tree of policies back, and lets each rule name its contact point instead", async () => {
    const outcome = await sandbox.up(program({}, false));
    expect(outcome.error).toBeUndefined();
    expect(fake.content.policies.receiver).toBe("grafana-default-email");
    const rules = [...fake.content.ruleGroups.values()].flatMap((group) => group.rules);
    expect(new Set(rules.map((rule) => rule.notification_settings?.receiver))).toEqual(
      new Set(["mem0 test"]),
    );
    expect(await sandbox.preview(program({}, false))).toMatchObject({ steps: [], error: undefined });
  });

  test("goes with the stack", async () => {
    expect((await sandbox.destroy()).error).toBeUndefined();
    const { folders, dashboards, dataSources, ruleGroups, contactPoints } = fake.content;
    expect([folders, dashboards, dataSources, ruleGroups].map(({ size }) => size)).toEqual([0, 0, 0, 0]);
    expect([...contactPoints.values()].map(({ name }) => name)).toEqual(["grafana-default-email"]);
  });

  test("is not asked for by the refresh of a recovery: Grafana may be what is gone", async () => {
    const gone = await FakeGrafana.start();
    const made = await sandbox.up(async () => {
      const provider = new grafana.Provider("provider", { url: gone.url, auth: gone.auth, retries: 0 });
      new grafana.oss.Folder("folder", { uid: "things", title: "Things" }, { provider });
    });
    expect(made.error).toBeUndefined();
    await gone.stop();

    expect((await sandbox.refresh()).error).toContain("Grafana cannot be reached");
    const { resources } = await sandbox.exported();
    const { elsewhere } = planRecovery({ resources, pendingOperations: 0 }, [], [], () => true);
    expect(elsewhere).toHaveLength(1);
    expect(await sandbox.refresh(elsewhere)).toMatchObject({ steps: [], error: undefined });
  });
});

describe("the preview of a stack", () => {
  let project: Project;
  const stack = "shown";
  const ports = {
    server: 28380,
    postgres: 28381,
    neo4jHttp: 28382,
    neo4jBolt: 28383,
    exporter: 28384,
    prometheus: 28385,
    grafana: 28386,
  };

  beforeAll(() => {
    project = makeProject("grafana");
    project.configure(stack, { model: { provider: "embedded" }, ports });
  });

  afterAll(() => project.remove());

  /** Names of what would be made, and what the engine said. */
  async function previewOn(images: Machine["images"]) {
    const file = path.join(project.directory, MACHINE_FILE);
    const machine: Machine = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...machine, images }));
    const planned: string[] = [];
    const said: string[] = [];
    const opened = await openStack(project.context(stack));
    await opened.preview({
      onEvent: ({ resourcePreEvent, diagnosticEvent }) => {
        if (resourcePreEvent !== undefined)
          planned.push(resourcePreEvent.metadata.urn.split("::").at(-1) ?? "");
        if (diagnosticEvent !== undefined) said.push(diagnosticEvent.message);
      },
    });
    return { planned, said: said.join("\n") };
  }

  test("with its Grafana shows the container and all that is kept in it, and asks no Grafana", async () => {
    const { planned, said } = await previewOn("registry");
    expect(planned).toEqual(
      expect.arrayContaining([
        "images-grafana",
        "grafana-container",
        "grafana-provider",
        "dashboard-folder",
        "dashboard-data-source",
        "dashboard-panels",
        "alerts-mem0-shown-availability",
      ]),
    );
    expect(said).not.toContain("Grafana is left out");
  });

  test("on a machine without an image registry leaves Grafana out, and says so in one line", async () => {
    const { planned, said } = await previewOn("packages");
    expect(planned.filter((name) => /grafana-|dashboard|alerts/.test(name)).sort()).toEqual([
      "secrets-grafana-admin-password",
      "secrets-grafana-secret-key",
    ]);
    expect(said.match(/Grafana is left out: no image registry answered/g)).toHaveLength(1);
  });
});
