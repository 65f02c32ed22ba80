import * as pulumi from "@pulumi/pulumi";
import * as grafana from "@pulumiverse/grafana";
import type { Settings } from "../config/settings.ts";
import { alertOptions } from "../observability/alerts.ts";
import { grafanaRuleGroups } from "../observability/grafana-rules.ts";
import type { Dashboard } from "./dashboard.ts";

export interface AlertsArgs {
  settings: Settings;
  dashboard: Dashboard;
  /** Ways of telling somebody; without any, alerts are shown and nobody is told. */
  receivers: Receivers;
}

export interface Receivers {
  webhookUrl?: pulumi.Output<string>;
}

/** Alerts of one kind come in one message. */
const GROUP_BY = ["grafana_folder", "alertname"];

/** Grafana's rules, and who is told when one of them holds. */
export class Alerts extends pulumi.ComponentResource {
  constructor(name: string, args: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Alerts", name, {}, opts);
    const { settings, dashboard } = args;
    const { ownsPolicies = settings.grafana === "container" } = settings.observability.grafana;
    const child = { parent: this, deleteBeforeReplace: true };

    const contact = this.contactPoint(name, args);
    if (contact !== undefined && ownsPolicies) {
      new grafana.alerting.NotificationPolicy(
        `${name}-policy`,
        {
          contactPoint: contact.name,
          groupBies: GROUP_BY,
          groupWait: "30s",
          groupInterval: "5m",
          repeatInterval: "4h",
        },
        child,
      );
    }
    // Where the tree is not ours, each rule names its contact point itself.
    const told =
      contact === undefined || ownsPolicies
        ? {}
        : { notificationSettings: { contactPoint: contact.name, groupBies: GROUP_BY } };
    const groups = grafanaRuleGroups({
      ...alertOptions(settings),
      datasourceUid: dashboard.dataSourceUid,
    });
    for (const { name: group, intervalSeconds, rules } of groups) {
      new grafana.alerting.RuleGroup(
        `${name}-${group}`,
        {
          name: group,
          folderUid: dashboard.folder.uid,
          intervalSeconds,
          rules: rules.map((rule) => ({ ...rule, ...told })),
        },
        { ...child, dependsOn: dashboard.dataSource },
      );
    }
    this.registerOutputs();
  }

  private contactPoint(name: string, { settings, receivers: { webhookUrl } }: AlertsArgs) {
    if (webhookUrl === undefined) return undefined;
    return new grafana.alerting.ContactPoint(
      `${name}-contact`,
      { name: `mem0 ${settings.stack}`, webhooks: [{ url: webhookUrl }] },
      { parent: this, deleteBeforeReplace: true },
    );
  }
}
