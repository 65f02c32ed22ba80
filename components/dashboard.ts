import * as pulumi from "@pulumi/pulumi";
import * as grafana from "@pulumiverse/grafana";
import type { Settings } from "../config/settings.ts";
import { alertOptions } from "../observability/alerts.ts";
import { dashboardJson } from "../observability/dashboard/dashboard.ts";
import { placedDashboard } from "../observability/dashboard/placed.ts";
import { prometheusForGrafana } from "./grafana.ts";

export interface DashboardArgs {
  settings: Settings;
}

/** What a person sees in Grafana: a folder, the Prometheus that is asked, and the dashboard. */
export class Dashboard extends pulumi.ComponentResource {
  readonly folder: grafana.oss.Folder;
  readonly dataSource: grafana.oss.DataSource;
  /** Of the data source; queries name it inside of their text. */
  readonly dataSourceUid: string;

  constructor(name: string, { settings }: DashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Dashboard", name, {}, opts);
    const { stack, observability } = settings;
    // Names and uids are taken as long as the old thing is there.
    const child = { parent: this, deleteBeforeReplace: true };

    this.folder = new grafana.oss.Folder(
      `${name}-folder`,
      { uid: `mem0-${stack}`, title: `mem0 ${stack}` },
      child,
    );
    this.dataSourceUid = `mem0-prometheus-${stack}`;
    this.dataSource = new grafana.oss.DataSource(
      `${name}-data-source`,
      {
        uid: this.dataSourceUid,
        name: `mem0 ${stack}`,
        type: "prometheus",
        url: prometheusForGrafana(settings),
        // In somebody else's Grafana another one is the default.
        isDefault: settings.grafana === "container",
        // The scrape interval: a rate over less than four of them may show nothing.
        jsonDataEncoded: JSON.stringify({ httpMethod: "POST", timeInterval: "15s" }),
      },
      child,
    );
    const dashboard = new grafana.oss.Dashboard(
      `${name}-panels`,
      {
        folder: this.folder.uid,
        configJson: placedDashboard(dashboardJson(alertOptions(settings)), {
          uid: observability.grafana.dashboardUid,
          dataSource: { uid: this.dataSourceUid, name: `mem0 ${stack}` },
        }),
      },
      { ...child, dependsOn: this.dataSource },
    );
    this.registerOutputs({ url: dashboard.url });
  }
}
