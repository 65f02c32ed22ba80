import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeGrafana } from "../../../harness/fakes/grafana/server.ts";

let grafana: FakeGrafana;

beforeAll(async () => {
  grafana = await FakeGrafana.start();
  await made("POST", "/api/folders", { uid: "things", title: "Things" });
  await made("POST", "/api/datasources", { ...source, uid: "numbers", name: "Numbers" });
  await made("POST", "/api/dashboards/db", { dashboard: { uid: "board", title: "Board" } });
  await made("POST", POINTS, { ...webhook, uid: "hook", name: "hook" });
  await made("PUT", POLICIES, { receiver: "hook", group_by: ["alertname"] });
  await made("PUT", group("rules"), body("rules", {}));
});

afterAll(() => grafana.stop());

const POINTS = "/api/v1/provisioning/contact-points";
const POLICIES = "/api/v1/provisioning/policies";
const source = { name: "Other", type: "prometheus", access: "proxy" };
const webhook = { name: "other", type: "webhook", settings: { url: "http://h/" } };
const group = (name: string, folder = "things") =>
  `/api/v1/provisioning/folder/${folder}/rule-groups/${name}`;

/** A group of one valid rule, with that rule changed. */
function body(name: string, edit: object, { interval = 60, folder = "things" } = {}): object {
  const query = {
    refId: "A",
    datasourceUid: "numbers",
    relativeTimeRange: { from: 600, to: 0 },
    model: { expr: "up" },
  };
  const rule = {
    orgID: 1,
    folderUID: folder,
    ruleGroup: name,
    title: `rule of ${name}`,
    condition: "A",
    data: [query],
    for: "90s",
    noDataState: "OK",
    execErrState: "Error",
  };
  return { title: name, folderUid: folder, interval, rules: [{ ...rule, ...edit }] };
}

async function made(method: string, path: string, content: object): Promise<void> {
  const { status, body: answer } = await grafana.ask(method, path, content);
  expect(status, JSON.stringify(answer)).toBeLessThan(300);
}

describe("the fake of Grafana's API refuses what Grafana refuses:", () => {
  it.each<[string, string, string, object | undefined, number, string]>([
    ["a folder without a title", "POST", "/api/folders", { title: "" }, 400, "folder title cannot be empty"],
    ["a uid with a slash", "POST", "/api/folders", { title: "T", uid: "a/b" }, 400, "uid contains illegal"],
    ["a uid of 41", "POST", "/api/folders", { title: "T", uid: "u".repeat(41) }, 400, "uid too long"],
    [
      "a folder's uid again",
      "POST",
      "/api/folders",
      { title: "T", uid: "things" },
      409,
      "same uid already exists",
    ],
    [
      "an old version of a folder",
      "PUT",
      "/api/folders/things",
      { title: "T", version: 7 },
      412,
      "someone else",
    ],
    ["a field it does not read", "POST", "/api/folders", { title: "T", colour: "red" }, 400, "colour"],
    ["a folder with rules", "DELETE", "/api/folders/things", undefined, 400, "contains alert rules"],
    ["an unknown folder", "GET", "/api/folders/none", undefined, 404, "folder not found"],
    [
      "a data source's name again",
      "POST",
      "/api/datasources",
      { ...source, name: "Numbers" },
      409,
      "same name",
    ],
    ["a data source's uid again", "POST", "/api/datasources", { ...source, uid: "numbers" }, 409, "same uid"],
    ["a data source without access", "POST", "/api/datasources", { ...source, access: "" }, 400, "access"],
    [
      "an unknown data source type",
      "POST",
      "/api/datasources",
      { ...source, type: "x" },
      400,
      "not installed",
    ],
    [
      "a data source's bad URL",
      "POST",
      "/api/datasources",
      { ...source, url: "prometheus" },
      400,
      "invalid data source URL",
    ],
    [
      "a dashboard without a title",
      "POST",
      "/api/dashboards/db",
      { dashboard: {} },
      400,
      "title cannot be empty",
    ],
    [
      "a dashboard in no folder",
      "POST",
      "/api/dashboards/db",
      { dashboard: { title: "T" }, folderUid: "x" },
      400,
      "folder not found",
    ],
    [
      "a dashboard's uid again",
      "POST",
      "/api/dashboards/db",
      { dashboard: { title: "T", uid: "board" } },
      412,
      "changed by someone else",
    ],
    [
      "another dashboard's number",
      "POST",
      "/api/dashboards/db",
      { dashboard: { title: "T", id: 999 } },
      404,
      "Dashboard not found",
    ],
    [
      "a rule on an unknown data source",
      "PUT",
      group("g"),
      body("g", {
        data: [{ refId: "A", datasourceUid: "x", relativeTimeRange: { from: 1, to: 0 }, model: {} }],
      }),
      400,
      "data source not found",
    ],
    [
      "a rule in an unknown folder",
      "PUT",
      group("g", "x"),
      body("g", {}, { folder: "x" }),
      404,
      "folder does not exist",
    ],
    ["a rule without a title", "PUT", group("g"), body("g", { title: "" }), 400, "title is empty"],
    [
      "a rule's title again",
      "PUT",
      group("g"),
      body("g", { title: "rule of rules" }),
      400,
      "should be unique",
    ],
    [
      "a condition that is no query",
      "PUT",
      group("g"),
      body("g", { condition: "Z" }),
      400,
      "condition Z does not exist",
    ],
    ["a state it does not know", "PUT", group("g"), body("g", { noDataState: "Fine" }), 400, "noDataState"],
    [
      "an interval of 15 s",
      "PUT",
      group("g"),
      body("g", {}, { interval: 15 }),
      400,
      "divided exactly by 10s",
    ],
    [
      "a contact point that nobody made",
      "PUT",
      group("g"),
      body("g", { notification_settings: { receiver: "x" } }),
      400,
      "contact point x does not exist",
    ],
    [
      "a webhook without an address",
      "POST",
      POINTS,
      { ...webhook, settings: {} },
      400,
      "required field 'url'",
    ],
    [
      "an unknown way of telling",
      "POST",
      POINTS,
      { ...webhook, type: "pigeon" },
      400,
      "unknown type 'pigeon'",
    ],
    ["a contact point in use", "DELETE", `${POINTS}/hook`, undefined, 409, "currently used"],
    ["a policy for nobody", "PUT", POLICIES, { receiver: "nobody" }, 400, "receiver 'nobody' does not exist"],
    [
      "a policy that never waits",
      "PUT",
      POLICIES,
      { receiver: "hook", group_interval: "0s" },
      400,
      "cannot be zero",
    ],
    [
      "a duration that is none",
      "PUT",
      POLICIES,
      { receiver: "hook", group_wait: "soon" },
      400,
      "not a valid duration",
    ],
    ["an unknown path", "GET", "/api/nothing", undefined, 404, "Not found"],
  ])("%s", async (_, method, path, content, status, message) => {
    const answer = await grafana.ask(method, path, content);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  it("every call without a login, but for its health", async () => {
    const status = async (path: string, headers = {}) =>
      (await fetch(`${grafana.url}${path}`, { headers })).status;
    expect(await status("/api/folders/things")).toBe(401);
    expect(await status("/api/folders/things", { Authorization: "Bearer wrong" })).toBe(401);
    expect(await status("/api/health")).toBe(200);
  });

  it("what the API made and a page would change", async () => {
    const answer = await fetch(`${grafana.url}${POLICIES}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${grafana.token}`, "X-Disable-Provenance": "true" },
      body: JSON.stringify({ receiver: "hook" }),
    });
    expect(answer.status).toBe(409);
  });
});

describe("the fake of Grafana's API keeps things as Grafana does:", () => {
  it("durations in one spelling, and queries with their limits", async () => {
    const { body: kept } = await grafana.ask("GET", group("rules"));
    expect(kept).toMatchObject({
      rules: [
        {
          for: "1m30s",
          provenance: "api",
          data: [{ model: { expr: "up", refId: "A", intervalMs: 1000, maxDataPoints: 43200 } }],
        },
      ],
    });
  });

  it("secrets of a contact point are not shown again", async () => {
    const settings = { url: "http://h/", password: "hidden" };
    await made("POST", POINTS, { ...webhook, name: "secretive", settings });
    const { body: shown } = await grafana.ask("GET", `${POINTS}?name=secretive`);
    expect(shown).toMatchObject([{ settings: { url: "http://h/", password: "[REDACTED]" } }]);
  });
});
