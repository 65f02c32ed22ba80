import { z } from "zod";
import type { Content } from "./content.ts";
import { type ApiRequest, bodyOf, canonicalDuration, Refusal, type Routes, requireUid } from "./request.ts";

const point = z.strictObject({
  uid: z.string().default(""),
  name: z.string(),
  type: z.string(),
  disableResolveMessage: z.boolean().default(false),
  settings: z.record(z.string(), z.unknown()),
});

export type ContactPoint = z.output<typeof point> & { provenance: string };

/** What each way of telling somebody takes: needed, and optional; and what of it is never shown again. */
const TYPES: Readonly<Record<string, { needed: string[]; optional: string[]; secret: string[] }>> = {
  webhook: {
    needed: ["url"],
    optional: [
      "httpMethod",
      "username",
      "password",
      "authorization_scheme",
      "authorization_credentials",
      "maxAlerts",
      "title",
      "message",
    ],
    secret: ["password", "authorization_credentials"],
  },
  email: { needed: ["addresses"], optional: ["singleEmail", "message", "subject"], secret: [] },
};

const route = z.strictObject({
  receiver: z.string().optional(),
  object_matchers: z.array(z.tuple([z.string(), z.enum(["=", "!=", "=~", "!~"]), z.string()])).optional(),
  continue: z.boolean().optional(),
  group_by: z.array(z.string()).optional(),
  group_wait: z.string().optional(),
  group_interval: z.string().optional(),
  repeat_interval: z.string().optional(),
});
const tree = route.omit({ object_matchers: true, continue: true }).extend({
  receiver: z.string().min(1),
  routes: z.array(route).default([]),
});

export type PolicyTree = z.output<typeof tree> & { provenance: string };

/** The tree and the contact point that a new Grafana has. */
export const FIRST_TREE: PolicyTree = {
  receiver: "grafana-default-email",
  group_by: ["grafana_folder", "alertname"],
  routes: [],
  provenance: "",
};
export const FIRST_CONTACT_POINT: ContactPoint = {
  uid: "first",
  name: "grafana-default-email",
  type: "email",
  disableResolveMessage: false,
  settings: { addresses: "<example@email.com>" },
  provenance: "",
};

const POINTS = "/api/v1/provisioning/contact-points";
const POLICIES = "/api/v1/provisioning/policies";

export function notificationRoutes(content: Content): Routes {
  const known = ({ parameters: { uid = "" } }: ApiRequest): ContactPoint => {
    const found = content.contactPoints.get(uid);
    if (found === undefined) throw new Refusal(404, `contact point with uid '${uid}' not found`);
    return found;
  };
  return {
    [`GET ${POINTS}`]: ({ query }) => ({
      body: [...content.contactPoints.values()]
        .filter(({ name }) => !query.has("name") || query.get("name") === name)
        .map(redacted),
    }),
    [`POST ${POINTS}`]: (request) => {
      const given = bodyOf(point, request);
      requirePoint(given);
      requireUid(given.uid);
      if (content.contactPoints.has(given.uid))
        throw new Refusal(409, `a contact point with uid '${given.uid}' already exists`);
      const kept = { ...given, uid: given.uid || content.nextUid(), provenance: request.provenance };
      content.contactPoints.set(kept.uid, kept);
      return { status: 202, body: redacted(kept) };
    },
    [`PUT ${POINTS}/:uid`]: (request) => {
      const before = known(request);
      const given = bodyOf(point, request);
      requirePoint(given);
      requireProvenance(before, request);
      content.contactPoints.set(before.uid, { ...given, uid: before.uid, provenance: request.provenance });
      return { status: 202, body: { message: "contactpoint updated" } };
    },
    [`DELETE ${POINTS}/:uid`]: (request) => {
      const { uid, name } = known(request);
      const others = [...content.contactPoints.values()].some(
        (other) => other.name === name && other.uid !== uid,
      );
      if (!others && content.isContactPointUsed(name)) {
        throw new Refusal(
          409,
          `contact point '${name}' is currently used by a notification policy or an alert rule`,
        );
      }
      content.contactPoints.delete(uid);
      return { status: 202, body: { message: "contactpoint deleted" } };
    },
    [`GET ${POLICIES}`]: () => ({ body: content.policies }),
    [`PUT ${POLICIES}`]: (request) => {
      const given = bodyOf(tree, request);
      requireProvenance(content.policies, request);
      for (const { receiver, group_by: labels = [] } of [given, ...given.routes]) {
        if (receiver !== undefined && !content.hasContactPoint(receiver))
          throw new Refusal(400, `invalid object specification: receiver '${receiver}' does not exist`);
        if (new Set(labels).size < labels.length)
          throw new Refusal(400, "invalid object specification: duplicated label in group_by");
      }
      content.policies = { ...timed(given), routes: given.routes.map(timed), provenance: request.provenance };
      return { status: 202, body: { message: "policies updated" } };
    },
    [`DELETE ${POLICIES}`]: () => {
      content.policies = FIRST_TREE;
      return { status: 202, body: content.policies };
    },
  };
}

function requirePoint({ name, type, settings }: z.output<typeof point>): void {
  const invalid = (why: string) => new Refusal(400, `invalid contact point '${name}': ${why}`);
  if (name === "") throw invalid("name is empty");
  const takes = TYPES[type];
  if (takes === undefined) throw invalid(`unknown type '${type}'`);
  for (const key of takes.needed) {
    if (typeof settings[key] !== "string" || settings[key] === "")
      throw invalid(`required field '${key}' is not specified`);
  }
  for (const key of Object.keys(settings)) {
    if (![...takes.needed, ...takes.optional].includes(key)) throw invalid(`unknown setting '${key}'`);
  }
}

function requireProvenance(before: { provenance: string }, { provenance }: ApiRequest): void {
  if (before.provenance === "api" && provenance === "")
    throw new Refusal(409, "cannot change provenance from 'api' to ''");
}

function redacted(kept: ContactPoint): ContactPoint {
  const secret = TYPES[kept.type]?.secret ?? [];
  const settings = Object.entries(kept.settings).map(([key, value]) => [
    key,
    secret.includes(key) ? "[REDACTED]" : value,
  ]);
  return { ...kept, settings: Object.fromEntries(settings) };
}

function timed<Route extends z.output<typeof route>>(given: Route): Route {
  const spelled = (["group_wait", "group_interval", "repeat_interval"] as const).flatMap((key) => {
    const value = given[key];
    if (value === undefined) return [];
    const canonical = canonicalDuration(value);
    if (canonical === "0s" && key !== "group_wait")
      throw new Refusal(400, `invalid object specification: ${key} cannot be zero`);
    return [[key, canonical]];
  });
  return { ...given, ...Object.fromEntries(spelled) };
}
