import packageJson from "@pulumiverse/grafana/package.json" with { type: "json" };
import { failure, type Plugin } from "../protocol/resource.ts";
import { serve } from "../protocol/serve.ts";
import { isUnknown, type Value } from "../protocol/value.ts";
import { GrafanaApi } from "./api.ts";
import { contactPoints } from "./contact-point.ts";
import { dashboards } from "./dashboard.ts";
import { dataSources } from "./data-source.ts";
import { folders } from "./folder.ts";
import { notificationPolicies } from "./notification-policy.ts";
import { GrafanaResource, type Kind } from "./resource.ts";
import { ruleGroups } from "./rule-group.ts";

const api = new GrafanaApi();
const resource = (kind: Kind) => new GrafanaResource(api, kind);

/** What is wrong with a setting; the SDK sends whatever is no text as JSON. */
const SETTINGS: Readonly<Record<string, (value: Value) => string | undefined>> = {
  url: (value) => (/^https?:\/\/./.test(String(value)) ? undefined : "must be a URL."),
  auth: (value) => (value === "" ? "must be user:password or a token." : undefined),
  retries: (value) => (/^\d$/.test(String(value)) ? undefined : "must be a number from 0 to 9."),
};

const plugin: Plugin = {
  name: "grafana",
  version: packageJson.pulumi.version,
  server: packageJson.pulumi.server,
  resources: {
    "grafana:alerting/contactPoint:ContactPoint": resource(contactPoints),
    "grafana:alerting/notificationPolicy:NotificationPolicy": resource(notificationPolicies),
    "grafana:alerting/ruleGroup:RuleGroup": resource(ruleGroups),
    "grafana:oss/dashboard:Dashboard": resource(dashboards),
    "grafana:oss/dataSource:DataSource": resource(dataSources),
    "grafana:oss/folder:Folder": resource(folders),
  },
  checkSettings(settings) {
    const missing = ["url", "auth"]
      .filter((name) => settings[name] === undefined)
      .map((name) => failure(`"${name}": required, but not given.`));
    const wrong = Object.entries(settings).flatMap(([name, value]) => {
      if (name === "version" || name.startsWith("__") || value === null || isUnknown(value)) return [];
      const check = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
      if (check === undefined)
        return [failure(`"${name}": not implemented by this stand-in for the grafana plugin.`)];
      const mistake = check(value);
      return mistake === undefined ? [] : [failure(`"${name}": ${mistake}`)];
    });
    return [...missing, ...wrong];
  },
  configure({ url, auth, retries }) {
    api.configure(String(url), String(auth), retries === undefined ? undefined : Number(retries));
  },
};

await serve(plugin);
