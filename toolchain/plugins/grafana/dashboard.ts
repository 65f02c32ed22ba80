import { isProperties, type Properties, type Value } from "../protocol/value.ts";
import { parsedJson, settledJson } from "../schema/json.ts";
import { propertiesOf, textOf } from "../schema/read-value.ts";
import { flag, json, replaced, type Schema, text, updated } from "../schema/schema.ts";
import { type Kind, ORG_ID } from "./resource.ts";

const DASHBOARD: Schema = {
  configJson: updated(json(withoutNumbers), { required: true }),
  folder: replaced(text({ pattern: /\D/, hint: "the uid of a folder" })),
  overwrite: updated(flag(), { absent: false }),
  message: updated(text()),
  orgId: ORG_ID,
};

const path = (uid: string) => `/api/dashboards/uid/${encodeURIComponent(uid)}`;

/** grafana:oss/dashboard:Dashboard, by its uid. */
export const dashboards: Kind = {
  noun: "dashboard",
  title: "grafana Dashboard",
  schema: DASHBOARD,
  outputs: ["uid", "dashboardId", "url", "version"],

  async create({ call }, inputs) {
    const body = { ...requestOf(inputs), overwrite: inputs.overwrite === true };
    return String(propertiesOf(await call({ method: "POST", path: "/api/dashboards/db", body })).uid);
  },

  async update({ call }, uid, inputs) {
    const { dashboard, ...request } = requestOf(inputs);
    const body = { ...request, dashboard: { ...propertiesOf(dashboard), uid }, overwrite: true };
    await call({ method: "POST", path: "/api/dashboards/db", body });
  },

  async read({ call, address }, uid, known) {
    const { dashboard, meta } = propertiesOf(await call({ method: "GET", path: path(uid) }));
    const found = propertiesOf(dashboard);
    const { id, version, ...config } = found;
    const wanted = parsedJson(textOf(known.configJson) ?? "{}");
    // A uid that the program does not give is Grafana's affair.
    if (known.configJson !== undefined && !(isProperties(wanted) && "uid" in wanted)) delete config.uid;
    return {
      configJson: JSON.stringify(withoutNumbers(config)),
      folder: propertiesOf(meta).folderUid ?? "",
      overwrite: known.overwrite ?? false,
      message: known.message ?? "",
      uid,
      dashboardId: id ?? null,
      version: version ?? null,
      url: address(textOf(propertiesOf(meta).url) ?? ""),
    };
  },

  async delete({ call }, uid) {
    await call({ method: "DELETE", path: path(uid) });
  },
};

function requestOf(inputs: Properties): Properties {
  const config = settledJson((value) => value, inputs.configJson);
  const { id: _id, version: _version, ...dashboard } = propertiesOf(config);
  return {
    dashboard,
    ...(textOf(inputs.folder) === undefined ? {} : { folderUid: String(inputs.folder) }),
    ...(textOf(inputs.message) === undefined ? {} : { message: String(inputs.message) }),
  };
}

/** Grafana numbers dashboards, their versions and their panels by itself. */
function withoutNumbers(value: Value): Value {
  if (!isProperties(value)) return value;
  const { id: _id, version: _version, ...rest } = value;
  const panels = rest.panels;
  if (!Array.isArray(panels)) return rest;
  return {
    ...rest,
    panels: panels.map((panel) => {
      if (!isProperties(panel)) return panel;
      const { id: _panelId, ...unnumbered } = panel;
      return unnumbered;
    }),
  };
}
