import type { Properties, Value } from "../protocol/value.ts";
import { propertiesOf, recordsOf, textOf } from "../schema/read-value.ts";
import {
  type Field,
  flag,
  integer,
  list,
  map,
  oneOf,
  record,
  refused,
  replaced,
  type Schema,
  text,
  updated,
} from "../schema/schema.ts";
import { ApiError } from "./api.ts";
import { UID } from "./folder.ts";
import { provenanceHeaders } from "./provenance.ts";
import { type Kind, ORG_ID, type Session } from "./resource.ts";

/** A way of telling somebody: Grafana's name for it, and its settings by the plugin's name and Grafana's. */
interface Notifier {
  type: string;
  settings: Readonly<Record<string, { api: string; field: Field }>>;
  unimplemented: Readonly<Record<string, Field>>;
}

const optional = (kind: Field["kind"]): Field => ({ kind });
const refusedField: Field = { kind: map(text()), unimplemented: true };

/** By the plugin's name of the list. Another way of telling somebody is another entry. */
const NOTIFIERS: Readonly<Record<string, Notifier>> = {
  webhooks: {
    type: "webhook",
    settings: {
      url: { api: "url", field: { kind: text(), required: true } },
      httpMethod: { api: "httpMethod", field: optional(oneOf("POST", "PUT")) },
      basicAuthUser: { api: "username", field: optional(text()) },
      basicAuthPassword: { api: "password", field: optional(text()) },
      authorizationScheme: { api: "authorization_scheme", field: optional(text()) },
      authorizationCredentials: { api: "authorization_credentials", field: optional(text()) },
      maxAlerts: { api: "maxAlerts", field: optional(integer(0)) },
      title: { api: "title", field: optional(text()) },
      message: { api: "message", field: optional(text()) },
    },
    unimplemented: {
      headers: refusedField,
      hmacConfig: refusedField,
      httpConfig: refusedField,
      payload: refusedField,
      settings: refusedField,
      tlsConfig: refusedField,
    },
  },
};

/** Those of the official plugin that are refused. */
const OTHERS =
  "alertmanagers dingdings discords emails googlechats jiras kafkas lines oncalls opsgenies pagerduties pushovers " +
  "sensugos slacks sns teams telegrams threemas victorops webexes wecoms";

const CONTACT_POINT: Schema = {
  name: replaced(text(), { required: true }),
  ...Object.fromEntries(
    Object.entries(NOTIFIERS).map(([name, { settings, unimplemented }]) => [
      name,
      updated(
        list(
          record({
            ...Object.fromEntries(Object.entries(settings).map(([key, { field }]) => [key, field])),
            disableResolveMessage: { kind: flag() },
            uid: { kind: text(UID), computed: true },
            ...unimplemented,
          }),
        ),
      ),
    ]),
  ),
  ...Object.fromEntries(OTHERS.split(" ").map((name) => [name, refused([])])),
  disableProvenance: updated(flag(), { absent: false }),
  orgId: ORG_ID,
};

const PATH = "/api/v1/provisioning/contact-points";

/** What Grafana shows of a setting that it keeps encrypted. */
const REDACTED = "[REDACTED]";

/** grafana:alerting/contactPoint:ContactPoint, by its name; Grafana keeps each of its notifiers by itself. */
export const contactPoints: Kind = {
  noun: "contact point",
  title: "grafana ContactPoint",
  schema: CONTACT_POINT,
  outputs: [],

  async create(session, inputs) {
    for (const point of pointsOf(inputs)) await add(session, point, inputs);
    return String(inputs.name);
  },

  async update(session, name, inputs, state) {
    const known = pointsOf(state);
    const kept = new Set<Value>();
    for (const { notifier, index, uid: given, ...point } of pointsOf(inputs)) {
      const uid = given ?? known.find((one) => one.notifier === notifier && one.index === index)?.uid;
      if (uid === undefined) {
        await add(session, { notifier, index, uid, ...point }, inputs);
        continue;
      }
      kept.add(uid);
      const path = `${PATH}/${encodeURIComponent(uid)}`;
      await session.call({ method: "PUT", path, body: point.body, ...provenanceHeaders(inputs) });
    }
    for (const { uid } of await integrations(session, name)) {
      if (known.some((one) => one.uid === uid) && !kept.has(uid ?? null)) await remove(session, String(uid));
    }
  },

  async read(session, name, known) {
    const found = await integrations(session, name);
    if (found.length === 0) throw new ApiError(404, `there is no contact point ${name}`);
    return {
      name,
      ...Object.fromEntries(
        Object.entries(NOTIFIERS).map(([list, notifier]) => {
          const own = found.filter(({ type }) => type === notifier.type);
          return [list, own.map((one, index) => shown(notifier, one, recordsOf(known[list])[index] ?? {}))];
        }),
      ),
      disableProvenance: found.every(({ provenance }) => !provenance),
    };
  },

  async delete(session, name) {
    for (const { uid } of await integrations(session, name)) await remove(session, String(uid));
  },
};

interface Point {
  notifier: string;
  index: number;
  uid: string | undefined;
  body: Properties;
}

function pointsOf(properties: Properties): Point[] {
  return Object.entries(NOTIFIERS).flatMap(([notifier, { type, settings }]) =>
    recordsOf(properties[notifier]).map((given, index) => ({
      notifier,
      index,
      uid: textOf(given.uid),
      body: {
        name: properties.name ?? "",
        type,
        disableResolveMessage: given.disableResolveMessage === true,
        settings: Object.fromEntries(
          Object.entries(settings).flatMap(([key, { api }]) => {
            const value = given[key];
            return value === undefined || value === null || value === "" ? [] : [[api, value]];
          }),
        ),
      },
    })),
  );
}

function shown({ settings }: Notifier, integration: Properties, known: Properties): Properties {
  const told = propertiesOf(integration.settings);
  return {
    ...Object.fromEntries(
      Object.entries(settings).map(([key, { api, field }]) => {
        const value = told[api];
        if (value === REDACTED) return [key, known[key] ?? ""];
        return [key, value ?? (field.kind.type === "text" ? "" : null)];
      }),
    ),
    disableResolveMessage: integration.disableResolveMessage ?? false,
    uid: integration.uid ?? "",
  };
}

async function add({ call }: Session, { uid, body }: Point, inputs: Properties): Promise<void> {
  const named = uid === undefined ? body : { ...body, uid };
  await call({ method: "POST", path: PATH, body: named, ...provenanceHeaders(inputs) });
}

async function remove({ call }: Session, uid: string): Promise<void> {
  await call({ method: "DELETE", path: `${PATH}/${encodeURIComponent(uid)}` });
}

async function integrations({ call }: Session, name: string): Promise<Properties[]> {
  return recordsOf(await call({ method: "GET", path: `${PATH}?${new URLSearchParams({ name })}` }));
}
