import type { Properties } from "../protocol/value.ts";
import { propertiesOf, recordsOf } from "../schema/read-value.ts";
import {
  duration,
  type Field,
  flag,
  list,
  oneOf,
  record,
  type Schema,
  set,
  text,
  updated,
} from "../schema/schema.ts";
import { provenanceHeaders } from "./provenance.ts";
import { type Kind, ORG_ID } from "./resource.ts";

const refusedField = (kind: Field["kind"]): Field => ({ kind, unimplemented: true });

/** A branch of the tree; those of a branch are refused. */
const POLICY = record({
  contactPoint: { kind: text() },
  matchers: {
    kind: set(
      record({
        label: { kind: text(), required: true },
        match: { kind: oneOf("=", "!=", "=~", "!~"), required: true },
        value: { kind: text(), required: true },
      }),
    ),
  },
  continue: { kind: flag() },
  groupBies: { kind: list(text()) },
  groupWait: { kind: duration() },
  groupInterval: { kind: duration() },
  repeatInterval: { kind: duration() },
  muteTimings: refusedField(list(text())),
  activeTimings: refusedField(list(text())),
  policies: refusedField(list(record({}))),
});

const NOTIFICATION_POLICY: Schema = {
  contactPoint: updated(text(), { required: true }),
  groupBies: updated(list(text()), { required: true }),
  groupWait: updated(duration(), { computed: true }),
  groupInterval: updated(duration(), { computed: true }),
  repeatInterval: updated(duration(), { computed: true }),
  policies: updated(list(POLICY)),
  disableProvenance: updated(flag(), { absent: false }),
  orgId: ORG_ID,
};

const PATH = "/api/v1/provisioning/policies";

/** There is one tree. */
const ID = "policy";

/** grafana:alerting/notificationPolicy:NotificationPolicy: the whole tree, so there can be one only. */
export const notificationPolicies: Kind = {
  noun: "notification tree",
  title: "grafana NotificationPolicy",
  schema: NOTIFICATION_POLICY,
  outputs: [],

  async create({ call }, inputs) {
    await call({ method: "PUT", path: PATH, body: tree(inputs), ...provenanceHeaders(inputs) });
    return ID;
  },

  async update({ call }, _, inputs) {
    await call({ method: "PUT", path: PATH, body: tree(inputs), ...provenanceHeaders(inputs) });
  },

  async read({ call }) {
    const found = propertiesOf(await call({ method: "GET", path: PATH }));
    return {
      contactPoint: found.receiver ?? "",
      ...timing(found),
      policies: recordsOf(found.routes).map((route) => ({
        contactPoint: route.receiver ?? "",
        matchers: matchersIn(route),
        continue: route.continue ?? false,
        ...timing(route),
      })),
      disableProvenance: !found.provenance,
    };
  },

  /** Back to the tree that Grafana begins with. */
  async delete({ call }) {
    await call({ method: "DELETE", path: PATH });
  },
};

function tree(inputs: Properties): Properties {
  return {
    receiver: inputs.contactPoint ?? "",
    ...requestedTiming(inputs),
    routes: recordsOf(inputs.policies).map((policy) => ({
      ...(policy.contactPoint === undefined ? {} : { receiver: policy.contactPoint }),
      object_matchers: recordsOf(policy.matchers).map(({ label, match, value }) => [
        label ?? "",
        match ?? "",
        value ?? "",
      ]),
      continue: policy.continue === true,
      ...requestedTiming(policy),
    })),
  };
}

function requestedTiming(from: Properties): Properties {
  return Object.fromEntries(
    Object.entries({
      group_by: from.groupBies,
      group_wait: from.groupWait,
      group_interval: from.groupInterval,
      repeat_interval: from.repeatInterval,
    }).filter((entry): entry is [string, NonNullable<(typeof entry)[1]>] => entry[1] !== undefined),
  );
}

function timing(found: Properties): Properties {
  return {
    groupBies: found.group_by ?? [],
    groupWait: found.group_wait ?? "",
    groupInterval: found.group_interval ?? "",
    repeatInterval: found.repeat_interval ?? "",
  };
}

function matchersIn({ object_matchers: matchers }: Properties): Properties[] {
  return (Array.isArray(matchers) ? matchers : []).map((matcher) => {
    const [label = "", match = "", value = ""] = Array.isArray(matcher) ? matcher : [];
    return { label, match, value };
  });
}
