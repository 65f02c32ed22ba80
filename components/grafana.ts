import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import type { Images } from "./images.ts";
import type { Secrets } from "./secrets.ts";
import { type RunningService, SECRETS_DIRECTORY, type ServiceContext } from "./service.ts";
import { StoreMount } from "./store-mount.ts";

export interface GrafanaArgs extends ServiceContext {
  images: Images;
  secrets: Secrets;
  /** Through which it is reached on the host. */
  gate: RunningService;
  /** The stack's own Prometheus, which must be there first. */
  prometheus: RunningService | undefined;
  /** Whether it calls a webhook, which may be a service of this host. */
  callsOut: boolean;
}

/** Nobody is told that it runs, it loads nothing at run time, and nobody comes in without an account. */
const CLOSED = {
  GF_ANALYTICS_REPORTING_ENABLED: "false",
  GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
  GF_ANALYTICS_FEEDBACK_LINKS_ENABLED: "false",
  GF_AUTH_ANONYMOUS_ENABLED: "false",
  GF_NEWS_NEWS_FEED_ENABLED: "false",
  GF_PLUGINS_PLUGIN_ADMIN_ENABLED: "false",
  GF_PLUGINS_PREINSTALL_DISABLED: "true",
  GF_PUBLIC_DASHBOARDS_ENABLED: "false",
  GF_SECURITY_COOKIE_SAMESITE: "strict",
  GF_SECURITY_DISABLE_GRAVATAR: "true",
  GF_SNAPSHOTS_EXTERNAL_ENABLED: "false",
  GF_USERS_ALLOW_ORG_CREATE: "false",
  GF_USERS_ALLOW_SIGN_UP: "false",
};

/** The stack's own Grafana: shows what Prometheus keeps. */
export class Grafana extends pulumi.ComponentResource {
  readonly service: RunningService;
  /** Address on the host; unknown until the container is healthy, so that a first preview does not ask it. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: GrafanaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Grafana", name, {}, opts);
    const { settings, secrets } = args;
    const { adminUser } = settings.observability.grafana;
    if (secrets.grafana === undefined) throw new Error("a container of Grafana has no secrets");
    const { adminPassword, secretKey } = secrets.grafana;
    const address = ownUrl(settings);
    const outward = args.callsOut || settings.observability.prometheus.mode === "external";

    const store = new StoreMount(
      `${name}-data`,
      { store: "grafana", at: "/var/lib/grafana", settings, target: args.target, replaceable: true },
      { parent: this },
    );
    this.service = args.target.run(
      name,
      {
        service: "grafana",
        image: args.images.id("grafana"),
        env: {
          ...CLOSED,
          // As for Prometheus: the runtime collects more often as it nears this.
          GOMEMLIMIT: `${Math.floor(settings.resources.grafana.memoryMb * 0.9)}MiB`,
          GF_SERVER_ROOT_URL: `${address}/`,
          GF_SECURITY_ADMIN_USER: adminUser,
          // The image's own start reads these files.
          GF_SECURITY_ADMIN_PASSWORD__FILE: `${SECRETS_DIRECTORY}/${adminPassword.name}`,
          GF_SECURITY_SECRET_KEY__FILE: `${SECRETS_DIRECTORY}/${secretKey.name}`,
        },
        stores: [store.mount],
        secrets: [adminPassword, secretKey],
        // The official image is Alpine's, which has wget; the path asks the database too.
        health: {
          command: ["wget", "-q", "-T", "4", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"],
          everySeconds: 10,
          timeoutSeconds: 5,
          retries: 3,
          startSeconds: 90,
        },
        limits: settings.resources.grafana,
        graceSeconds: 30,
        // An external Prometheus is on the external network or behind the host.
        outward,
        shared: outward,
      },
      {
        parent: this,
        network: args.network,
        dependsOn: args.prometheus === undefined ? [] : [args.prometheus.resource],
      },
    );
    this.url = pulumi.all([this.service.id, args.gate.id]).apply(() => address);
    this.registerOutputs({ container: this.service.name, url: this.url });
  }
}

/** Grafana as the host reaches it; undefined when there is none. */
export function grafanaUrl(settings: Settings): string | undefined {
  switch (settings.grafana) {
    case "container":
      return ownUrl(settings);
    case "external":
      return settings.observability.grafana.url?.replace(/\/+$/, "");
    default:
      return undefined;
  }
}

/** Where the dashboard is shown; undefined when there is no Grafana. */
export function dashboardUrl(settings: Settings): string | undefined {
  const url = grafanaUrl(settings);
  return url === undefined ? undefined : `${url}/d/${settings.observability.grafana.dashboardUid}`;
}

function ownUrl({ ports }: Settings): string {
  return `http://127.0.0.1:${ports.grafana}`;
}

/** Prometheus as Grafana reaches it: by name on a common network, else through the host. */
export function prometheusForGrafana({
  grafana,
  observability: { prometheus, grafana: given },
  ports,
  externalNetwork,
}: Settings): string {
  if (given.prometheusUrl !== undefined) return given.prometheusUrl;
  const onHost = prometheus.mode === "managed" ? `http://127.0.0.1:${ports.prometheus}` : prometheus.url;
  if (grafana === "external") return onHost;
  if (prometheus.mode === "managed") return "http://prometheus:9090";
  if (externalNetwork !== undefined) return `http://${prometheus.container}:9090`;
  const { protocol, port } = new URL(onHost);
  return `${protocol}//host.docker.internal${port === "" ? "" : `:${port}`}`;
}
