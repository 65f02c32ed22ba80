import { z } from "zod";
import type { Content } from "./content.ts";
import { type ApiRequest, bodyOf, Refusal, type Routes, requireUid } from "./request.ts";

const source = z.strictObject({
  name: z.string().min(1),
  type: z.string().min(1),
  access: z.enum(["proxy", "direct"]),
  uid: z.string().default(""),
  url: z.string().default(""),
  user: z.string().default(""),
  database: z.string().default(""),
  basicAuth: z.boolean().default(false),
  basicAuthUser: z.string().default(""),
  withCredentials: z.boolean().default(false),
  isDefault: z.boolean().default(false),
  jsonData: z.record(z.string(), z.unknown()).default({}),
  /** Another version than the stored one is refused; none is taken as it is. */
  version: z.int().optional(),
});

export type DataSource = z.output<typeof source> & { id: number; version: number };

/** Core types, which every Grafana has. */
const TYPES = new Set(["prometheus", "loki", "graphite", "influxdb", "elasticsearch", "alertmanager"]);

export function dataSourceRoutes(content: Content): Routes {
  const known = ({ parameters: { uid = "" } }: ApiRequest): DataSource => {
    const found = content.dataSources.get(uid);
    if (found === undefined) throw new Refusal(404, "Data source not found");
    return found;
  };
  const wanted = (request: ApiRequest, own?: DataSource) => {
    const given = bodyOf(source, request);
    requireUid(given.uid);
    if (!TYPES.has(given.type)) throw new Refusal(400, `plugin ${given.type} is not installed`);
    if (given.url !== "" && !URL.canParse(given.url))
      throw new Refusal(400, `Validation error, invalid data source URL: ${given.url}`);
    const others = [...content.dataSources.values()].filter((other) => other !== own);
    if (others.some(({ name }) => name === given.name))
      throw new Refusal(409, "data source with the same name already exists");
    if (others.some(({ uid }) => uid === given.uid))
      throw new Refusal(409, "data source with the same uid already exists");
    return given;
  };
  const keep = (kept: DataSource) => {
    // There is one default.
    if (kept.isDefault) for (const other of content.dataSources.values()) other.isDefault = false;
    content.dataSources.set(kept.uid, kept);
    return { body: { datasource: shown(kept), id: kept.id, name: kept.name, message: "Datasource saved" } };
  };
  return {
    "POST /api/datasources": (request) => {
      const given = wanted(request);
      return keep({ ...given, uid: given.uid || content.nextUid(), id: content.nextId(), version: 1 });
    },
    "GET /api/datasources/uid/:uid": (request) => ({ body: shown(known(request)) }),
    "PUT /api/datasources/uid/:uid": (request) => {
      const before = known(request);
      const given = wanted(request, before);
      if (given.version !== undefined && given.version !== before.version) {
        const message = "Datasource has already been updated by someone else. Please reload and try again";
        throw new Refusal(409, message);
      }
      content.dataSources.delete(before.uid);
      return keep({ ...given, uid: given.uid || before.uid, id: before.id, version: before.version + 1 });
    },
    "DELETE /api/datasources/uid/:uid": (request) => {
      const { uid, id } = known(request);
      content.dataSources.delete(uid);
      return { body: { message: "Data source deleted", id } };
    },
  };
}

function shown(kept: DataSource): object {
  return { ...kept, orgId: 1, typeLogoUrl: "", secureJsonFields: {}, readOnly: false };
}
