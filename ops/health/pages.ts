import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Manifest } from "../../config/manifest.ts";
import { parseExposition } from "../../services/exporter/src/exposition.ts";
import type { DeployedStack } from "../stack/deployed-stack.ts";
import type { HealthFacts, ReadyFacts } from "./facts.ts";

/** Status of a page that answers well. */
export async function getPage(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { signal });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.status;
}

/** Whether the server answers, and how far its clock is ahead of this host's. */
export async function askServer(
  stack: DeployedStack,
  signal: AbortSignal,
): Promise<{ aheadMs: number | undefined }> {
  const started = Date.now();
  const url = `http://127.0.0.1:${stack.port("server", "http")}/health`;
  const response = await fetch(url, { signal });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const told = Date.parse(response.headers.get("date") ?? "");
  // It tells whole seconds, cut off.
  return { aheadMs: Number.isNaN(told) ? undefined : told + 500 - (started + Date.now()) / 2 };
}

const readyAnswer = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), reason: z.string().optional() })),
  waiting_for: z.string().optional(),
  maintenance_seconds_left: z.number().default(0),
});

/** What the server says of those behind it. */
export async function askReady(stack: DeployedStack, signal: AbortSignal): Promise<ReadyFacts> {
  const response = await stack.server.request({ method: "GET", path: "/ready", accepts: 503, signal });
  const { ready, checks, waiting_for, maintenance_seconds_left } = readyAnswer.parse(await response.json());
  return { ready, checks, waitingFor: waiting_for, pausedSeconds: maintenance_seconds_left };
}

/** Free space as the exporter sees it: of the engine's machine, where the volumes lie. */
export async function exporterDisks(
  { manifest }: DeployedStack,
  signal: AbortSignal,
): Promise<HealthFacts["disks"]> {
  const { observability } = manifest;
  if (observability === undefined || observability.exporter === "off") return [];
  const response = await fetch(`http://127.0.0.1:${observability.exporterPort}/metrics`, { signal });
  const samples = parseExposition(await response.text());
  return samples
    .filter(({ name, labels }) => name === "mem0_disk_free_bytes" && labels.place === "data")
    .map(({ value }) => ({ place: "data", path: "the stack's data", free: { value } }));
}

const targetsAnswer = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        health: z.string(),
        lastError: z.string().default(""),
      }),
    ),
  }),
});

/** How Prometheus' scrape of the stack goes; nothing when Prometheus does not know the stack. */
export async function askTarget(
  { stack, observability }: Manifest,
  signal: AbortSignal,
): Promise<{ health: string; error: string } | undefined> {
  const url = `${observability?.prometheusUrl}/api/v1/targets?state=active`;
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const { activeTargets } = targetsAnswer.parse(await response.json()).data;
  const own = activeTargets.find(
    ({ labels }) => labels.job === observability?.job && (labels.stack ?? stack) === stack,
  );
  return own === undefined ? undefined : { health: own.health, error: own.lastError };
}

/** Whether Grafana has the stack's dashboard. */
export async function hasDashboard(
  { url, dashboard }: { url: string; dashboard: string },
  { user, file }: { user: string; file: string },
  signal: AbortSignal,
): Promise<boolean> {
  const uid = /\/d\/([^/?]+)/.exec(dashboard)?.[1] ?? "";
  const authorization = `Basic ${Buffer.from(`${user}:${readFileSync(file, "utf8").trim()}`).toString("base64")}`;
  const response = await fetch(`${url}/api/dashboards/uid/${uid}`, { headers: { authorization }, signal });
  await response.body?.cancel();
  if (!response.ok && response.status !== 404) throw new Error(`Grafana answers ${response.status}`);
  return response.ok;
}
