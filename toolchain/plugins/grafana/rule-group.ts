import { isProperties, type Properties, type Value } from "../protocol/value.ts";
import { parsedJson } from "../schema/json.ts";
import { propertiesOf, recordsOf, textOf } from "../schema/read-value.ts";
import {
  duration,
  type Field,
  flag,
  integer,
  json,
  list,
  map,
  oneOf,
  record,
  replaced,
  type Schema,
  text,
  updated,
} from "../schema/schema.ts";
import { UID } from "./folder.ts";
import { provenanceHeaders } from "./provenance.ts";
import { type Kind, ORG_ID } from "./resource.ts";

const refusedField = (kind = text()): Field => ({ kind, unimplemented: true });

/** How a rule reaches a contact point without the tree of policies. */
const NOTIFICATION_SETTINGS = record({
  contactPoint: { kind: text(), required: true },
  groupBies: { kind: list(text()) },
  groupWait: { kind: duration() },
  groupInterval: { kind: duration() },
  repeatInterval: { kind: duration() },
  muteTimings: refusedField(list(text())),
  activeTimings: refusedField(list(text())),
});

const QUERY = record({
  refId: { kind: text(), required: true },
  datasourceUid: { kind: text(), required: true },
  queryType: { kind: text() },
  model: { kind: json(withoutDefaults), required: true },
  relativeTimeRange: {
    kind: record({
      from: { kind: integer(0), required: true },
      to: { kind: integer(0), required: true },
    }),
    required: true,
  },
});

const RULE = record({
  name: { kind: text(), required: true },
  uid: { kind: text(UID), computed: true },
  condition: { kind: text(), required: true },
  datas: { kind: list(QUERY), required: true },
  for: { kind: duration(), default: "0s" },
  keepFiringFor: { kind: duration() },
  noDataState: { kind: oneOf("OK", "NoData", "Alerting", "KeepLast"), default: "NoData" },
  execErrState: { kind: oneOf("OK", "Error", "Alerting", "KeepLast"), default: "Alerting" },
  labels: { kind: map(text()) },
  annotations: { kind: map(text()) },
  isPaused: { kind: flag() },
  notificationSettings: { kind: NOTIFICATION_SETTINGS },
  missingSeriesEvalsToResolve: refusedField(integer()),
  record: refusedField(map(text())),
});

const RULE_GROUP: Schema = {
  name: replaced(text(), { required: true }),
  folderUid: replaced(text(UID), { required: true }),
  intervalSeconds: updated(integer(1), { required: true }),
  rules: updated(list(RULE), { required: true }),
  disableProvenance: updated(flag(), { absent: false }),
  orgId: ORG_ID,
};

/** grafana:alerting/ruleGroup:RuleGroup, by `<folder>:<name>`. */
export const ruleGroups: Kind = {
  noun: "rule group",
  title: "grafana RuleGroup",
  schema: RULE_GROUP,
  outputs: [],

  async create({ call }, inputs) {
    const id = `${inputs.folderUid}:${inputs.name}`;
    await call({ method: "PUT", path: path(id), ...put(inputs, {}) });
    return id;
  },

  async update({ call }, id, inputs, state) {
    await call({ method: "PUT", path: path(id), ...put(inputs, state) });
  },

  async read({ call }, id) {
    const found = propertiesOf(await call({ method: "GET", path: path(id) }));
    const rules = recordsOf(found.rules);
    return {
      name: found.title ?? "",
      folderUid: found.folderUid ?? "",
      intervalSeconds: found.interval ?? null,
      rules: rules.map(ruleIn),
      disableProvenance: rules.length > 0 && rules.every(({ provenance }) => !provenance),
    };
  },

  async delete({ call }, id) {
    await call({ method: "DELETE", path: path(id) });
  },
};

function path(id: string): string {
  const [folder = "", ...name] = id.split(":");
  return `/api/v1/provisioning/folder/${encodeURIComponent(folder)}/rule-groups/${encodeURIComponent(name.join(":"))}`;
}

/** A rule that stays keeps its uid, and with it its history. */
function put(inputs: Properties, state: Properties) {
  const uids = new Map(recordsOf(state.rules).map(({ name, uid }) => [name, uid]));
  const body = {
    title: inputs.name ?? "",
    folderUid: inputs.folderUid ?? "",
    interval: inputs.intervalSeconds ?? 0,
    rules: recordsOf(inputs.rules).map((rule) => ruleFor(rule, rule.uid ?? uids.get(rule.name), inputs)),
  };
  return { body, ...provenanceHeaders(inputs) };
}

function ruleFor(rule: Properties, uid: Value | undefined, { name, folderUid }: Properties): Properties {
  const settings = propertiesOf(rule.notificationSettings);
  return {
    ...(textOf(uid) === undefined ? {} : { uid: String(uid) }),
    orgID: 1,
    folderUID: folderUid ?? "",
    ruleGroup: name ?? "",
    title: rule.name ?? "",
    condition: rule.condition ?? "",
    data: recordsOf(rule.datas).map((query) => ({
      refId: query.refId ?? "",
      queryType: query.queryType ?? "",
      datasourceUid: query.datasourceUid ?? "",
      relativeTimeRange: query.relativeTimeRange ?? null,
      model: parsedJson(String(query.model)) ?? {},
    })),
    for: rule.for ?? "0s",
    ...(textOf(rule.keepFiringFor) === undefined ? {} : { keep_firing_for: String(rule.keepFiringFor) }),
    noDataState: rule.noDataState ?? "",
    execErrState: rule.execErrState ?? "",
    labels: rule.labels ?? {},
    annotations: rule.annotations ?? {},
    isPaused: rule.isPaused === true,
    ...(textOf(settings.contactPoint) === undefined
      ? {}
      : {
          notification_settings: {
            receiver: String(settings.contactPoint),
            ...(settings.groupBies === undefined ? {} : { group_by: settings.groupBies }),
            ...(settings.groupWait === undefined ? {} : { group_wait: settings.groupWait }),
            ...(settings.groupInterval === undefined ? {} : { group_interval: settings.groupInterval }),
            ...(settings.repeatInterval === undefined ? {} : { repeat_interval: settings.repeatInterval }),
          },
        }),
  };
}

function ruleIn(rule: Properties): Properties {
  const settings = rule.notification_settings;
  return {
    name: rule.title ?? "",
    uid: rule.uid ?? "",
    condition: rule.condition ?? "",
    datas: recordsOf(rule.data).map((query) => ({
      refId: query.refId ?? "",
      datasourceUid: query.datasourceUid ?? "",
      queryType: query.queryType ?? "",
      model: JSON.stringify(withoutDefaults(query.model ?? {})),
      relativeTimeRange: query.relativeTimeRange ?? null,
    })),
    for: rule.for ?? "0s",
    keepFiringFor: rule.keep_firing_for ?? "",
    noDataState: rule.noDataState ?? "",
    execErrState: rule.execErrState ?? "",
    labels: rule.labels ?? {},
    annotations: rule.annotations ?? {},
    isPaused: rule.isPaused ?? false,
    notificationSettings: isProperties(settings)
      ? {
          contactPoint: settings.receiver ?? "",
          groupBies: settings.group_by ?? [],
          groupWait: settings.group_wait ?? "",
          groupInterval: settings.group_interval ?? "",
          repeatInterval: settings.repeat_interval ?? "",
        }
      : null,
  };
}

/** What Grafana writes into a query that leaves it out: grafana/pkg/services/ngalert/models/alert_query.go. */
const QUERY_DEFAULTS: Properties = { intervalMs: 1000, maxDataPoints: 43_200 };

function withoutDefaults(model: Value): Value {
  if (!isProperties(model)) return model;
  return Object.fromEntries(Object.entries(model).filter(([key, value]) => QUERY_DEFAULTS[key] !== value));
}
