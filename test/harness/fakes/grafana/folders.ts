import { z } from "zod";
import type { Content } from "./content.ts";
import { type ApiRequest, bodyOf, Refusal, type Routes, requireUid, slugOf } from "./request.ts";

export interface Folder {
  id: number;
  uid: string;
  title: string;
  version: number;
}

const newFolder = z.strictObject({ title: z.string(), uid: z.string().default("") });
const changedFolder = z.strictObject({
  title: z.string(),
  version: z.int().optional(),
  overwrite: z.boolean().default(false),
});

export function folderRoutes(content: Content): Routes {
  const known = ({ parameters: { uid = "" } }: ApiRequest): Folder => {
    const folder = content.folders.get(uid);
    if (folder === undefined) throw new Refusal(404, "folder not found", { status: "not-found" });
    return folder;
  };
  const requireTitle = (title: string) => {
    if (title.trim() === "") throw new Refusal(400, "folder title cannot be empty");
  };
  return {
    "POST /api/folders": (request) => {
      const { title, uid } = bodyOf(newFolder, request);
      requireTitle(title);
      requireUid(uid);
      if (content.folders.has(uid))
        throw new Refusal(409, "a folder with the same uid already exists in the organization");
      const folder = { id: content.nextId(), uid: uid === "" ? content.nextUid() : uid, title, version: 1 };
      content.folders.set(folder.uid, folder);
      return { body: shown(folder) };
    },
    "GET /api/folders/:uid": (request) => ({ body: shown(known(request)) }),
    "PUT /api/folders/:uid": (request) => {
      const folder = known(request);
      const { title, version, overwrite } = bodyOf(changedFolder, request);
      requireTitle(title);
      if (!overwrite && version !== folder.version) {
        const message = "the folder has been changed by someone else";
        throw new Refusal(412, message, { status: "version-mismatch" });
      }
      Object.assign(folder, { title, version: folder.version + 1 });
      return { body: shown(folder) };
    },
    "DELETE /api/folders/:uid": (request) => {
      const { uid } = known(request);
      const groups = [...content.ruleGroups].filter(([, group]) => group.folderUid === uid);
      if (groups.length > 0 && request.query.get("forceDeleteRules") !== "true") {
        throw new Refusal(400, "folder cannot be deleted: folder contains alert rules");
      }
      for (const [key] of groups) content.ruleGroups.delete(key);
      for (const [key, { folderUid }] of content.dashboards) {
        if (folderUid === uid) content.dashboards.delete(key);
      }
      content.folders.delete(uid);
      return { body: {} };
    },
  };
}

function shown(folder: Folder): object {
  return { ...folder, orgId: 1, url: `/dashboards/f/${folder.uid}/${slugOf(folder.title)}` };
}
