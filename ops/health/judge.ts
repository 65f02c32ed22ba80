import { byteSize } from "../base/byte-size.ts";
import type { Answer } from "./answer.ts";
import type { ContainerFacts, HealthFacts, HealthSettings } from "./facts.ts";
import { explained, type HealthCheck } from "./health-check.ts";
import { judgeBackups } from "./judge-backups.ts";
import { answered, judgeServices } from "./judge-services.ts";

const GIB = 1024 ** 3;

/** The engine's machine may lag behind after a sleep; tokens and schedules go wrong with minutes, not with seconds. */
const CLOCK_MS = 30_000;

/** Judges a stack by what is known of it: every check, those that are well too, in the order in which a person reads. */
export function judge(facts: HealthFacts, settings: HealthSettings): HealthCheck[] {
  return explained([
    answered(["Docker", "docker_down"], facts.docker, (version) => version, "start Docker; ./mem0 doctor"),
    ...judgeServices(facts, settings),
    ...facts.disks.map((disk) => space(disk, settings)),
    ...judgeBackups(facts, settings),
    ...facts.jobs.map((job) => ({ ...job, type: job.name.replaceAll(/[^a-z]+/g, "_") })),
    ...clock(facts),
    ...loopback(facts.containers, settings),
    ...watching(facts, settings),
  ]);
}

function space({ place, path, free }: HealthFacts["disks"][number], settings: HealthSettings): HealthCheck {
  const [name, type] = [`disk of ${place}`, "disk_space_low"];
  const old = `./mem0 backups ${settings.stack} tells why each is kept: lower mem0:backup.keep, then ./mem0 up ${settings.stack}`;
  const images =
    "docker system df tells what takes it; docker image prune and docker builder prune free old images";
  const mend = place === "backups" ? `${old}; ${images}` : `${images}; ${old}`;
  if (!("value" in free)) return { name, type, ok: false, found: `${path}: ${free.reason}`, mend };
  const found = `${byteSize(free.value)} free at ${path}`;
  if (free.value >= settings.diskFreeGb * GIB) return { name, type, ok: true, found };
  return { name, type, ok: false, found: `${found}; needed: ${settings.diskFreeGb} GiB`, mend };
}

function clock({ server }: HealthFacts): HealthCheck[] {
  const [name, type] = ["clock", "clock_wrong"];
  if (!("value" in server) || server.value.aheadMs === undefined) return [];
  const { aheadMs } = server.value;
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) < CLOCK_MS) return [{ name, type, ok: true, found: "host and containers agree" }];
  const found = `the containers' clock is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} the host's`;
  const mend =
    "restart Docker, whose machine loses time in sleep; see that the host's clock is set by the network";
  return [{ name, type, ok: false, found, mend }];
}

function loopback(
  containers: Record<string, Answer<ContainerFacts>>,
  { stack }: HealthSettings,
): HealthCheck[] {
  const [name, type] = ["ports", "port_open"];
  const seen = Object.entries(containers).flatMap(([service, answer]) =>
    "value" in answer ? [{ service, openTo: answer.value.openTo }] : [],
  );
  const open = seen.filter(({ openTo }) => openTo.length > 0);
  if (seen.length === 0) return [];
  if (open.length === 0) return [{ name, type, ok: true, found: "on loopback alone" }];
  const found = open.map(({ service, openTo }) => `${service} listens on ${openTo.join(", ")}`).join("; ");
  return [{ name, type, ok: false, found, mend: `pulumi up --refresh, or ./mem0 up ${stack}` }];
}

function watching({ target, grafana }: HealthFacts, settings: HealthSettings): HealthCheck[] {
  const up = `./mem0 up ${settings.stack}`;
  return [...scraped(target, up), ...shown(grafana, settings, up)];
}

function scraped(target: HealthFacts["target"], up: string): HealthCheck[] {
  if (target === undefined) return [];
  const [name, type] = ["Prometheus' target", "metrics_target_missing"];
  const mend = `${up}; docs/observability.md tells how an external Prometheus learns of the stack`;
  if (!("value" in target)) return [{ name, type, ok: false, found: target.reason, mend }];
  if (target.value === undefined) {
    return [{ name, type, ok: false, found: "Prometheus does not know the stack's exporter", mend }];
  }
  const { health, error } = target.value;
  // A target that is new was not scraped yet.
  if (health !== "down") return [{ name, type, ok: true, found: health }];
  return [
    {
      name,
      type,
      ok: false,
      found: `down: ${error}`,
      mend: "./mem0 metrics shows whether the exporter answers",
    },
  ];
}

function shown(grafana: HealthFacts["grafana"], settings: HealthSettings, up: string): HealthCheck[] {
  if (grafana === undefined) return [];
  const own = settings.containers.grafana;
  const log = own === undefined ? "see whether Grafana is up" : `docker logs ${own} --tail 50`;
  const web = answered(["Grafana", "grafana_endpoint"], grafana.web, () => "answers", log);
  const { dashboard } = grafana;
  if (dashboard === undefined) return [web];
  const [name, type] = ["dashboard", "dashboard_missing"];
  if (!("value" in dashboard)) return [web, { name, type, ok: false, found: dashboard.reason, mend: log }];
  return dashboard.value
    ? [web, { name, type, ok: true, found: "is there" }]
    : [web, { name, type, ok: false, found: "Grafana does not have it", mend: up }];
}
