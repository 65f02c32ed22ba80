import { z } from "zod";
import type { Content } from "./content.ts";
import { bodyOf, canonicalDuration, Refusal, type Routes, requireUid } from "./request.ts";

const duration = z.string();

const query = z.strictObject({
  refId: z.string().min(1),
  queryType: z.string().default(""),
  datasourceUid: z.string().min(1),
  relativeTimeRange: z.strictObject({ from: z.int().min(0), to: z.int().min(0) }),
  model: z.record(z.string(), z.unknown()),
});

const rule = z.strictObject({
  uid: z.string().default(""),
  orgID: z.literal(1),
  folderUID: z.string().min(1),
  ruleGroup: z.string().min(1),
  title: z.string(),
  condition: z.string(),
  data: z.array(query),
  for: duration,
  keep_firing_for: duration.optional(),
  noDataState: z.enum(["Alerting", "NoData", "OK", "KeepLast"]),
  execErrState: z.enum(["OK", "Alerting", "Error", "KeepLast"]),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  isPaused: z.boolean().default(false),
  notification_settings: z
    .strictObject({
      receiver: z.string().min(1),
      group_by: z.array(z.string()).optional(),
      group_wait: duration.optional(),
      group_interval: duration.optional(),
      repeat_interval: duration.optional(),
    })
    .optional(),
});

const group = z.strictObject({
  title: z.string().min(1),
  folderUid: z.string().min(1),
  interval: z.int(),
  rules: z.array(rule),
});

export type Rule = z.output<typeof rule> & { provenance: string };
export interface RuleGroup {
  title: string;
  folderUid: string;
  interval: number;
  rules: Rule[];
}

/** Grafana's own evaluation interval, of which every other is a multiple: grafana.ini, `[unified_alerting] min_interval`. */
const BASE_SECONDS = 10;

/** Data sources of expressions, which are Grafana itself. */
const EXPRESSIONS = new Set(["__expr__", "-100"]);

export function ruleGroupRoutes(content: Content): Routes {
  const keyOf = (parameters: Readonly<Record<string, string>>) => `${parameters.folder}/${parameters.group}`;
  const known = (parameters: Readonly<Record<string, string>>): RuleGroup => {
    const found = content.ruleGroups.get(keyOf(parameters));
    if (found === undefined) throw new Refusal(404, "rule group not found");
    return found;
  };
  return {
    "GET /api/v1/provisioning/folder/:folder/rule-groups/:group": ({ parameters }) => ({
      body: known(parameters),
    }),
    "PUT /api/v1/provisioning/folder/:folder/rule-groups/:group": (request) => {
      const { parameters, provenance } = request;
      const given = bodyOf(group, request);
      const key = keyOf(parameters);
      const before = content.ruleGroups.get(key)?.rules ?? [];
      if (!content.folders.has(given.folderUid)) throw new Refusal(404, "folder does not exist");
      if (given.interval <= 0 || given.interval % BASE_SECONDS !== 0) {
        throw new Refusal(
          400,
          `interval (${given.interval}s) should be non-zero and divided exactly by ${BASE_SECONDS}s`,
        );
      }
      const elsewhere = [...content.ruleGroups]
        .filter(([other]) => other !== key)
        .flatMap(([, other]) => other.rules);
      const rules = given.rules.map((one) => {
        const was = before.find(({ uid }) => uid === one.uid);
        if (was?.provenance === "api" && provenance === "")
          throw new Refusal(409, "cannot change provenance from 'api' to ''");
        requireRule(one, content);
        if (elsewhere.some(({ uid }) => uid === one.uid))
          throw new Refusal(409, "rule uid is taken by another group");
        return { ...settled(one), uid: one.uid || content.nextUid(), provenance };
      });
      const titles = [
        ...rules.map(({ title }) => title),
        ...elsewhere.filter(({ folderUID }) => folderUID === given.folderUid).map(({ title }) => title),
      ];
      if (new Set(titles).size < titles.length) {
        throw new Refusal(400, "rule title under the same organisation and folder should be unique");
      }
      content.ruleGroups.set(key, { ...given, rules });
      return { body: content.ruleGroups.get(key) };
    },
    "DELETE /api/v1/provisioning/folder/:folder/rule-groups/:group": ({ parameters }) => {
      known(parameters);
      content.ruleGroups.delete(keyOf(parameters));
      return { status: 204 };
    },
  };
}

function requireRule(one: z.output<typeof rule>, content: Content): void {
  const invalid = (why: string) => new Refusal(400, `invalid alert rule "${one.title}": ${why}`);
  requireUid(one.uid);
  if (one.title === "") throw invalid("title is empty");
  if (one.title.length > 190) throw invalid("name length should not be greater than 190");
  if (one.data.length === 0) throw invalid("no queries or expressions are found");
  const refs = one.data.map(({ refId }) => refId);
  if (new Set(refs).size < refs.length) throw invalid("refID should be unique");
  if (!refs.includes(one.condition))
    throw invalid(`condition ${one.condition} does not exist, must be one of [${refs}]`);
  for (const {
    refId,
    datasourceUid,
    relativeTimeRange: { from, to },
  } of one.data) {
    if (EXPRESSIONS.has(datasourceUid)) continue;
    if (!content.dataSources.has(datasourceUid))
      throw invalid(`failed to build query '${refId}': data source not found`);
    if (from <= to) throw invalid(`invalid relative time range of query '${refId}'`);
  }
  const receiver = one.notification_settings?.receiver;
  if (receiver !== undefined && !content.hasContactPoint(receiver))
    throw invalid(`contact point ${receiver} does not exist`);
  for (const label of Object.keys(one.labels)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw invalid(`invalid label name ${label}`);
  }
}

/** As Grafana keeps it: durations in one spelling, and a query's limits where it gave none. */
function settled(one: z.output<typeof rule>): z.output<typeof rule> {
  const settings = one.notification_settings;
  return {
    ...one,
    for: canonicalDuration(one.for),
    ...(one.keep_firing_for === undefined ? {} : { keep_firing_for: canonicalDuration(one.keep_firing_for) }),
    data: one.data.map((each) => ({
      ...each,
      model: { intervalMs: 1000, maxDataPoints: 43_200, refId: each.refId, ...each.model },
    })),
    ...(settings === undefined
      ? {}
      : {
          notification_settings: {
            ...settings,
            ...Object.fromEntries(
              (["group_wait", "group_interval", "repeat_interval"] as const).flatMap((key) => {
                const value = settings[key];
                return value === undefined ? [] : [[key, canonicalDuration(value)]];
              }),
            ),
          },
        }),
  };
}
