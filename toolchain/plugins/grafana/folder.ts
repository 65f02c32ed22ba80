import { propertiesOf, textOf } from "../schema/read-value.ts";
import { flag, refused, replaced, type Schema, text, updated } from "../schema/schema.ts";
import { type Kind, ORG_ID } from "./resource.ts";

/** Grafana's rule for the uid of a folder, a dashboard or a data source. */
export const UID = {
  pattern: /^[a-zA-Z0-9_-]{1,40}$/,
  hint: "letters, digits, - and _, at most 40",
};

const FOLDER: Schema = {
  title: updated(text(), { required: true }),
  uid: replaced(text(UID), { computed: true }),
  // Anything but false would ask for what is in the folder, before it is removed.
  preventDestroyIfNotEmpty: updated(flag(), { absent: false, only: false }),
  parentFolderUid: refused(""),
  orgId: ORG_ID,
};

const path = (uid: string) => `/api/folders/${encodeURIComponent(uid)}`;

/** grafana:oss/folder:Folder, by its uid. */
export const folders: Kind = {
  noun: "folder",
  title: "grafana Folder",
  schema: FOLDER,
  outputs: ["url"],

  async create({ call }, { title, uid }) {
    const body = { title: title ?? "", ...(uid === undefined ? {} : { uid }) };
    const made = propertiesOf(await call({ method: "POST", path: "/api/folders", body }));
    return String(made.uid);
  },

  async update({ call }, uid, { title }) {
    await call({ method: "PUT", path: path(uid), body: { title: title ?? "", overwrite: true } });
  },

  async read({ call, address }, uid) {
    const found = propertiesOf(await call({ method: "GET", path: path(uid) }));
    return { title: found.title ?? "", uid, url: address(textOf(found.url) ?? "") };
  },

  async delete({ call }, uid) {
    await call({ method: "DELETE", path: `${path(uid)}?forceDeleteRules=true` });
  },
};
