import { z } from "zod";
import type { Content } from "./content.ts";
import { type ApiRequest, bodyOf, Refusal, type Routes, requireUid, slugOf } from "./request.ts";

export interface Dashboard {
  uid: string;
  folderUid: string;
  /** With id, uid and version, as Grafana keeps it. */
  model: Record<string, unknown> & { id: number; uid: string; title: string; version: number };
}

const save = z.strictObject({
  dashboard: z
    .looseObject({
      id: z.int().nullish(),
      uid: z.string().nullish(),
      version: z.int().optional(),
      title: z.string().optional(),
    })
    .describe("the dashboard"),
  folderUid: z.string().default(""),
  message: z.string().optional(),
  overwrite: z.boolean().default(false),
});

export function dashboardRoutes(content: Content): Routes {
  const known = ({ parameters: { uid = "" } }: ApiRequest): Dashboard => {
    const dashboard = content.dashboards.get(uid);
    if (dashboard === undefined) throw new Refusal(404, "Dashboard not found", { status: "not-found" });
    return dashboard;
  };
  const url = ({ uid, model }: Dashboard) => `/d/${uid}/${slugOf(model.title)}`;
  return {
    "POST /api/dashboards/db": (request) => {
      const { dashboard: given, folderUid, overwrite } = bodyOf(save, request);
      const { title = "" } = given;
      if (title.trim() === "")
        throw new Refusal(400, "Dashboard title cannot be empty", { status: "empty-name" });
      if (folderUid !== "" && !content.folders.has(folderUid)) throw new Refusal(400, "folder not found");
      requireUid(given.uid ?? "");
      const uid = given.uid || content.nextUid();
      const before = content.dashboards.get(uid);
      if (given.id != null && before?.model.id !== given.id) {
        throw new Refusal(404, "Dashboard not found", { status: "not-found" });
      }
      if (before !== undefined && !overwrite && given.version !== before.model.version) {
        const message = "The dashboard has been changed by someone else";
        throw new Refusal(412, message, { status: "version-mismatch" });
      }
      const id = before?.model.id ?? content.nextId();
      const model = { ...given, id, uid, title, version: (before?.model.version ?? 0) + 1 };
      const dashboard = { uid, folderUid, model };
      content.dashboards.set(uid, dashboard);
      return {
        body: {
          id,
          uid,
          url: url(dashboard),
          status: "success",
          version: model.version,
          slug: slugOf(title),
          folderUid,
        },
      };
    },
    "GET /api/dashboards/uid/:uid": (request) => {
      const dashboard = known(request);
      const { folderUid, model } = dashboard;
      const meta = { url: url(dashboard), slug: slugOf(model.title), version: model.version, folderUid };
      return { body: { meta: { ...meta, type: "db", provisioned: false }, dashboard: model } };
    },
    "DELETE /api/dashboards/uid/:uid": (request) => {
      const { uid, model } = known(request);
      content.dashboards.delete(uid);
      return { body: { id: model.id, title: model.title, message: `Dashboard ${model.title} deleted` } };
    },
  };
}
