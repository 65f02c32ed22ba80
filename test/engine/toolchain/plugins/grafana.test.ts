import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as grafana from "@pulumiverse/grafana";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FakeGrafana } from "../../../harness/fakes/grafana/server.ts";
import { freePort, type Outcome, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
let fake: FakeGrafana;

beforeAll(async () => {
  [sandbox, fake] = await Promise.all([Sandbox.create(), FakeGrafana.start()]);
});

afterAll(async () => {
  await fake.stop();
  await sandbox.dispose();
});

const told = (outcome: Outcome) => outcome.messages.map(({ text }) => text.trim()).join("\n");
const names = ({ steps }: Outcome) => steps.map(({ name, op }) => `${op} ${name}`).sort();

const HOOK = "http://127.0.0.1:9/hook?token=hidden-in-the-hook";

interface Edits {
  auth?: string;
  folder?: Partial<grafana.oss.FolderArgs>;
  source?: Partial<grafana.oss.DataSourceArgs>;
  dashboard?: object;
  rule?: object;
  group?: object;
  webhook?: object;
  policy?: Partial<grafana.alerting.NotificationPolicyArgs>;
}

/** One of each resource, as a stack declares them. */
function program(edits: Edits = {}) {
  return async () => {
    const provider = new grafana.Provider("provider", { url: fake.url, auth: edits.auth ?? fake.auth });
    const opts = { provider, deleteBeforeReplace: true };
    const folder = new grafana.oss.Folder(
      "folder",
      { uid: "things", title: "Things", ...edits.folder },
      opts,
    );
    const source = new grafana.oss.DataSource(
      "source",
      {
        uid: "numbers",
        name: "Numbers",
        type: "prometheus",
        url: "http://prometheus:9090",
        jsonDataEncoded: '{"httpMethod":"POST","timeInterval":"15s"}',
        ...edits.source,
      },
      opts,
    );
    const board = { uid: "board", title: "A board", panels: [{ id: 1, type: "stat", title: "Up" }] };
    new grafana.oss.Dashboard(
      "board",
      { folder: folder.uid, configJson: JSON.stringify({ ...board, ...edits.dashboard }) },
      opts,
    );
    const contact = new grafana.alerting.ContactPoint(
      "contact",
      { name: "somebody", webhooks: [{ url: pulumi.secret(HOOK), ...edits.webhook }] },
      opts,
    );
    new grafana.alerting.NotificationPolicy(
      "policy",
      { contactPoint: contact.name, groupBies: ["alertname"], groupInterval: "300s", ...edits.policy },
      opts,
    );
    new grafana.alerting.RuleGroup(
      "group",
      {
        name: "availability",
        folderUid: folder.uid,
        intervalSeconds: 60,
        rules: [
          {
            name: "Down",
            condition: "A",
            for: "120s",
            labels: { severity: "critical" },
            datas: [
              {
                refId: "A",
                datasourceUid: source.uid,
                relativeTimeRange: { from: 600, to: 0 },
                model: '{"refId":"A","expr":"up == 0","intervalMs":1000,"maxDataPoints":43200}',
              },
            ],
            ...edits.rule,
          },
        ],
        ...edits.group,
      },
      opts,
    );
  };
}

describe("one of each resource", () => {
  test("one of each is made, and neither preview, refresh nor up finds anything to do afterwards", async () => {
    const first = await sandbox.up(program());
    expect(first.error).toBeUndefined();
    expect([...fake.content.folders.keys(), ...fake.content.dashboards.keys()]).toEqual(["things", "board"]);
    expect(fake.content.policies).toMatchObject({ receiver: "somebody", group_interval: "5m" });
    const made = [...fake.changes];
    expect(await sandbox.leftToDo(program())).toEqual([]);
    expect(fake.changes).toEqual(made);
  });

  test("ids and outputs are those of the official plugin", async () => {
    const outputs = async (name: string) => {
      const { id, outputs } = await sandbox.state(name);
      return { id, ...outputs };
    };
    expect(await outputs("folder")).toMatchObject({
      id: "1:things",
      orgId: "1",
      url: `${fake.url}/dashboards/f/things/things`,
    });
    expect(await outputs("source")).toMatchObject({ id: "1:numbers", accessMode: "proxy", isDefault: false });
    expect(await outputs("board")).toMatchObject({
      id: "1:board",
      uid: "board",
      version: 1,
      url: `${fake.url}/d/board/a-board`,
    });
    expect(await outputs("contact")).toMatchObject({ id: "1:somebody" });
    expect(await outputs("policy")).toMatchObject({ id: "1:policy" });
    expect(await outputs("group")).toMatchObject({ id: "1:things:availability" });
  });

  test("an edit changes its own object and nothing else", async () => {
    const uid = () => [...fake.content.ruleGroups.values()][0]?.rules[0]?.uid;
    const before = uid();
    const one: Edits = { folder: { title: "Other things" } };
    const all: Edits = {
      source: { url: "http://elsewhere:9090" },
      dashboard: { title: "Another board" },
      rule: { for: "3m" },
      webhook: { title: "Look" },
      policy: { repeatInterval: "1h" },
    };
    for (const [edits, changed] of [
      [one, ["folder"]],
      [{ ...one, ...all }, ["board", "contact", "group", "policy", "source"]],
    ] as const) {
      fake.changes.length = 0;
      const outcome = await sandbox.up(program(edits));
      expect(outcome.error).toBeUndefined();
      expect(names(outcome)).toEqual(changed.map((name) => `update ${name}`));
      expect(fake.changes).toHaveLength(changed.length);
    }
    expect(uid(), "a rule that stays keeps its uid").toBe(before);
    await sandbox.up(program());
  });

  test("what says the same in other words is no change", async () => {
    const same: Edits = {
      source: { jsonDataEncoded: '{ "timeInterval": "15s", "httpMethod": "POST" }' },
      dashboard: { panels: [{ id: 7, title: "Up", type: "stat" }], version: 12 },
      rule: { for: "2m" },
      policy: { groupInterval: "5m" },
    };
    expect(await sandbox.preview(program(same))).toMatchObject({ steps: [], error: undefined });
  });

  test("another uid is another folder or data source, and takes along what is in it; another name is another group", async () => {
    const renamed = await sandbox.preview(program({ group: { name: "other" } }));
    expect(renamed.steps.find(({ op }) => op === "replace")).toMatchObject({
      name: "group",
      replace: ["name"],
    });
    const edit: Edits = { folder: { uid: "stuff" }, source: { uid: "figures" } };
    const outcome = await sandbox.preview(program(edit));
    const replaced = outcome.steps.filter(({ op }) => op === "replace");
    expect(Object.fromEntries(replaced.map(({ name, replace }) => [name, replace]))).toMatchObject({
      folder: ["uid"],
      source: ["uid"],
      board: [],
      group: [],
    });
    const moved = await sandbox.up(program(edit));
    expect(moved.error).toBeUndefined();
    expect([...fake.content.folders.keys(), ...fake.content.dataSources.keys()]).toEqual([
      "stuff",
      "figures",
    ]);
    expect(fake.content.dashboards.get("board")?.folderUid).toBe("stuff");
    await sandbox.up(program());
  });

  test("what a hand changed or removed is found by a refresh and mended by the next up", async () => {
    await fake.ask("PUT", "/api/folders/things", { title: "Mine", overwrite: true });
    await fake.ask("DELETE", "/api/dashboards/uid/board");
    const [group] = fake.content.ruleGroups.values();
    const [rule] = group?.rules ?? [];
    if (rule !== undefined) rule.isPaused = true;
    await fake.ask("PUT", "/api/v1/provisioning/policies", { receiver: "grafana-default-email" });

    expect(names(await sandbox.refresh())).toEqual([
      "delete board",
      "update folder",
      "update group",
      "update policy",
    ]);
    const mended = await sandbox.up(program());
    expect(mended.error).toBeUndefined();
    expect(names(mended)).toEqual(["create board", "update folder", "update group", "update policy"]);
    expect(fake.content.folders.get("things")?.title).toBe("Things");
    expect([...fake.content.ruleGroups.values()][0]?.rules[0]?.isPaused).toBe(false);
    expect(await sandbox.refresh()).toMatchObject({ steps: [] });
  });

  test("login and webhook stay out of the stored state and of all messages", async () => {
    const outcome = await sandbox.up(program({ webhook: { message: "Look" } }));
    expect(outcome.error).toBeUndefined();
    const stored = await sandbox.storedState();
    for (const secret of [fake.password, "hidden-in-the-hook"]) {
      expect(stored).not.toContain(secret);
      expect(told(outcome)).not.toContain(secret);
    }
    expect(JSON.stringify((await sandbox.state("contact")).outputs)).toContain("hidden-in-the-hook");
  });

  test("a destroy leaves Grafana as it was", async () => {
    const outcome = await sandbox.destroy();
    expect(outcome.error).toBeUndefined();
    const { folders, dataSources, dashboards, ruleGroups, contactPoints, policies } = fake.content;
    expect([folders, dataSources, dashboards, ruleGroups].map(({ size }) => size)).toEqual([0, 0, 0, 0]);
    expect([...contactPoints.values()].map(({ name }) => name)).toEqual(["grafana-default-email"]);
    expect(policies.receiver).toBe("grafana-default-email");
  });
});

test("a login that Grafana does not know is told as that, and nothing is made", async () => {
  fake.changes.length = 0;
  const outcome = await sandbox.up(program({ auth: "admin:wrong" }));
  expect(told(outcome)).toContain(
    `Grafana at ${fake.url} knows no such user and password, or token (401: Invalid username or password)`,
  );
  expect(told(outcome)).not.toContain("admin:wrong");
  expect(fake.content.folders.size).toBe(0);
  expect(fake.changes).toEqual([]);

  expect((await sandbox.up(program({ auth: fake.token }))).error).toBeUndefined();
  expect((await sandbox.destroy()).error).toBeUndefined();
});

describe("without a Grafana", () => {
  let url: string;

  beforeEach(async () => {
    url = `http://127.0.0.1:${await freePort()}`;
  });

  test("an up says that there is none", async () => {
    const outcome = await sandbox.up(async () => {
      const provider = new grafana.Provider("provider", { url, auth: "a:b", retries: 0 });
      new grafana.oss.Folder("folder", { title: "Things" }, { provider });
    });
    expect(told(outcome)).toContain(
      `creating folder Things: Grafana cannot be reached at ${url} (ECONNREFUSED)`,
    );
  });

  test("a preview knows what is given and leaves the rest open", async () => {
    const known: unknown[] = [];
    const outcome = await sandbox.preview(async () => {
      const provider = new grafana.Provider("provider", { url, auth: "a:b" });
      const folder = new grafana.oss.Folder("folder", { uid: "things", title: "Things" }, { provider });
      const open = new grafana.oss.Folder("open", { title: "Others" }, { provider });
      folder.uid.apply((uid) => known.push(uid));
      open.uid.apply((uid) => known.push(uid));
      new grafana.oss.Dashboard("board", { folder: open.uid, configJson: '{"title":"A"}' }, { provider });
    });
    expect(outcome.error).toBeUndefined();
    expect(known).toEqual(["things"]);
    expect(names(outcome)).toEqual(expect.arrayContaining(["create board", "create folder", "create open"]));
  });

  test("a preview does not wait for an address that is not known yet", async () => {
    const outcome = await sandbox.preview(async () => {
      const container = new random.RandomId("container", { byteLength: 4 });
      const provider = new grafana.Provider("provider", { url: container.hex.apply(() => url), auth: "a:b" });
      new grafana.oss.Folder("folder", { uid: "things", title: "Things" }, { provider });
    });
    expect(outcome.error).toBeUndefined();
    expect(names(outcome)).toContain("create folder");
  });
});

test("what exists already is imported by its id, with or without the organisation", async () => {
  await fake.ask("POST", "/api/folders", { uid: "things", title: "Things" });
  const created = await fake.ask("POST", "/api/datasources", {
    name: "Numbers",
    type: "prometheus",
    access: "proxy",
    uid: "numbers",
    url: "http://prometheus:9090",
  });
  expect(created.status).toBe(200);
  const outcome = await sandbox.up(async () => {
    const provider = new grafana.Provider("provider", { url: fake.url, auth: fake.auth });
    new grafana.oss.Folder("folder", { uid: "things", title: "Things" }, { provider, import: "1:things" });
    new grafana.oss.DataSource(
      "source",
      { uid: "numbers", name: "Numbers", type: "prometheus", url: "http://prometheus:9090" },
      { provider, import: "numbers" },
    );
  });
  expect(outcome.error).toBeUndefined();
  expect((await sandbox.state("source")).id).toBe("1:numbers");
});

test("what the stand-in does not implement is refused by name", async () => {
  const refused: [string, (provider: grafana.Provider) => void][] = [
    [
      '"parentFolderUid"',
      (provider) => new grafana.oss.Folder("f", { title: "T", parentFolderUid: "p" }, { provider }),
    ],
    [
      '"secureJsonDataEncoded"',
      (provider) =>
        new grafana.oss.DataSource(
          "s",
          { name: "N", type: "prometheus", secureJsonDataEncoded: "{}" },
          { provider },
        ),
    ],
    [
      '"telegrams"',
      (provider) =>
        new grafana.alerting.ContactPoint(
          "c",
          { name: "n", telegrams: [{ chatId: "1", token: "t" }] },
          { provider },
        ),
    ],
  ];
  for (const [name, declare] of refused) {
    const outcome = await sandbox.preview(async () =>
      declare(new grafana.Provider("provider", { url: fake.url, auth: fake.auth })),
    );
    expect(told(outcome)).toContain(name);
    expect(told(outcome)).toContain("implemented by this stand-in");
  }
  const setting = await sandbox.preview(async () => {
    const provider = new grafana.Provider("provider", { url: fake.url, auth: "a:b", smUrl: "http://h" });
    new grafana.oss.Folder("f", { title: "T" }, { provider });
  });
  expect(told(setting)).toContain('"smUrl": not implemented by this stand-in for the grafana plugin.');
});
