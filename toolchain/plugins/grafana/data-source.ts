import { isProperties, type Properties } from "../protocol/value.ts";
import { parsedJson } from "../schema/json.ts";
import { propertiesOf, textOf } from "../schema/read-value.ts";
import { flag, json, oneOf, refused, replaced, type Schema, text, updated } from "../schema/schema.ts";
import { UID } from "./folder.ts";
import { type Kind, ORG_ID } from "./resource.ts";

const DATA_SOURCE: Schema = {
  name: updated(text(), { required: true }),
  type: updated(text(), { required: true }),
  uid: replaced(text(UID), { computed: true }),
  url: updated(text()),
  accessMode: updated(oneOf("proxy", "direct"), { default: "proxy" }),
  isDefault: updated(flag(), { absent: false }),
  databaseName: updated(text()),
  username: updated(text()),
  basicAuthEnabled: updated(flag(), { absent: false }),
  basicAuthUsername: updated(text()),
  jsonDataEncoded: updated(json()),
  httpHeaders: refused(null),
  secureJsonDataEncoded: refused(""),
  privateDataSourceConnectNetworkId: refused(""),
  orgId: ORG_ID,
};

const path = (uid: string) => `/api/datasources/uid/${encodeURIComponent(uid)}`;

/** grafana:oss/dataSource:DataSource, by its uid. */
export const dataSources: Kind = {
  noun: "data source",
  title: "grafana DataSource",
  schema: DATA_SOURCE,
  outputs: [],

  // Grafana always has a default: another one has to take its place.
  isNoChange: ({ property }, state, inputs) =>
    property === "isDefault" && state.isDefault === true && inputs.isDefault !== true,

  async create({ call }, inputs) {
    const body = requestOf(inputs);
    const made = propertiesOf(await call({ method: "POST", path: "/api/datasources", body }));
    return String(propertiesOf(made.datasource).uid);
  },

  async update({ call }, uid, inputs) {
    await call({ method: "PUT", path: path(uid), body: { ...requestOf(inputs), uid } });
  },

  async read({ call }, uid) {
    const found = propertiesOf(await call({ method: "GET", path: path(uid) }));
    const jsonData = propertiesOf(found.jsonData);
    return {
      name: found.name ?? "",
      type: found.type ?? "",
      uid,
      url: found.url ?? "",
      accessMode: found.access ?? "",
      isDefault: found.isDefault ?? false,
      databaseName: found.database ?? "",
      username: found.user ?? "",
      basicAuthEnabled: found.basicAuth ?? false,
      basicAuthUsername: found.basicAuthUser ?? "",
      jsonDataEncoded: Object.keys(jsonData).length === 0 ? "" : JSON.stringify(jsonData),
    };
  },

  async delete({ call }, uid) {
    await call({ method: "DELETE", path: path(uid) });
  },
};

function requestOf(inputs: Properties): Properties {
  const jsonData = parsedJson(textOf(inputs.jsonDataEncoded) ?? "{}");
  return {
    name: inputs.name ?? "",
    type: inputs.type ?? "",
    ...(inputs.uid === undefined ? {} : { uid: inputs.uid }),
    url: inputs.url ?? "",
    access: inputs.accessMode ?? "proxy",
    isDefault: inputs.isDefault === true,
    database: inputs.databaseName ?? "",
    user: inputs.username ?? "",
    basicAuth: inputs.basicAuthEnabled === true,
    basicAuthUser: inputs.basicAuthUsername ?? "",
    jsonData: isProperties(jsonData) ? jsonData : {},
  };
}
