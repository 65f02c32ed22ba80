import { z } from "zod";
import { DISK_FREE_GB, DRILL_DAYS } from "../manifest.ts";
import { baseUrl, dockerName } from "./kinds.ts";

const share = z.number().min(0.01).max(1);

const alerts = z
  .strictObject({
    availability: z.number().min(0.5).max(0.9999).default(0.99).meta({
      description:
        "Objective: share of the requests that the server answers without an error of its own (5xx), over 30 days.",
    }),
    minimumRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .meta({ description: "With fewer requests in the time looked at, errors raise no alert." }),
    readSeconds: z
      .number()
      .min(0.01)
      .max(600)
      .default(1)
      .meta({ description: "Goal: 95 % of the reads take at most this long." }),
    writeSeconds: z
      .number()
      .min(0.01)
      .max(600)
      .default(5)
      .meta({ description: "Goal: 95 % of the writes take at most this long." }),
    connections: share
      .default(0.8)
      .meta({ description: "Share of PostgreSQL's connections that may be taken." }),
    diskFreeGb: z
      .number()
      .min(0.1)
      .max(100_000)
      .default(DISK_FREE_GB)
      .meta({ description: "GiB that have to be free on each disk of the stack." }),
    diskFullDays: z
      .number()
      .min(0.1)
      .max(365)
      .default(4)
      .meta({ description: "A disk that will be full within so many days raises an alert." }),
    backupRuns: z
      .number()
      .min(1.1)
      .max(100)
      .default(2)
      .meta({ description: "How many runs of its tier old the last good backup may be." }),
    drillDays: z
      .number()
      .min(1)
      .max(3650)
      .default(DRILL_DAYS)
      .meta({ description: "How many days old the last restore drill may be." }),
  })
  .meta({ description: "When an alert is raised; the dashboard's colours change at the same values." });

const grafana = z
  .strictObject({
    mode: z.enum(["container", "external", "off"]).default("container").meta({
      description:
        "A container of the stack, one that is there already, or none. Its image comes from a registry: where none answers, the container is left out with a warning.",
    }),
    url: baseUrl.optional().meta({
      description: "External Grafana as the host reaches it; needs the secret `mem0:grafanaAuth`.",
      examples: ["http://127.0.0.1:3000"],
    }),
    prometheusUrl: baseUrl.optional().meta({
      description:
        "Prometheus as Grafana reaches it. Left out: by name where both are containers of one network, else through the host.",
      examples: ["http://prometheus:9090"],
    }),
    adminUser: z
      .string()
      .regex(
        /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
        "a name: letters, digits, `_`, `.`, `-`, at most 63 characters",
      )
      .default("admin")
      .meta({ description: "Administrator of the stack's own Grafana, made at its first start for good." }),
    dashboardUid: z
      .string()
      .regex(/^[a-zA-Z0-9_-]{1,40}$/, "letters, digits, `_`, `-`, at most 40 characters")
      .default("mem0-dashboard")
      .meta({ description: "The dashboard's uid and address. Two stacks at one external Grafana need two." }),
    ownsPolicies: z.boolean().optional().meta({
      description:
        "Whether the stack sets the whole tree of notification policies. Left out: in its own Grafana it does, in an external one it does not, and each of its rules names the contact point itself.",
    }),
  })
  .meta({ description: "Who shows the metrics and tells of alerts." });

export const observability = z
  .strictObject({
    exporter: z.enum(["container", "host", "off"]).default("container").meta({
      description:
        "Where the exporter runs; `host`: as a process of the host, started with `./mem0 exporter`.",
    }),
    prometheus: z
      .strictObject({
        mode: z.enum(["managed", "external", "off"]).default("managed").meta({
          description: "A container of the stack, or one that is there already and is told about the stack.",
        }),
        retentionDays: z
          .int()
          .min(1)
          .max(3650)
          .default(30)
          .meta({ description: "How long the managed Prometheus keeps what it scraped." }),
        job: z
          .string()
          .regex(
            /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/,
            "a job name: letters, digits, `_`, `-`, at most 63 characters",
          )
          .default("mem0-metrics")
          .meta({ description: "Name of the scrape job. Two stacks at one external Prometheus need two." }),
        container: dockerName
          .default("intel-prometheus-standalone")
          .meta({ description: "Container of the external Prometheus." }),
        mountedAt: z.string().regex(/^\/.+/, "an absolute path").default("/etc/prometheus/mem0").meta({
          description:
            "Where the external Prometheus has the stack's directory of rules and scrape job mounted (docs/observability.md).",
        }),
        url: baseUrl
          .default("http://127.0.0.1:9090")
          .meta({ description: "External Prometheus as the host reaches it, for `./mem0 metrics`." }),
      })
      .prefault({})
      .meta({ description: "Who scrapes, keeps and judges the metrics." }),
    alerts: alerts.prefault({}),
    grafana: grafana.prefault({}),
  })
  .meta({ description: "What watches the stack." });
