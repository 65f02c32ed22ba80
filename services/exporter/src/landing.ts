import type { MetricName } from "./catalogue.ts";
import { age, bytes, count, seconds } from "./format.ts";
import type { Page } from "./page.ts";
import { PROBE } from "./parts/traffic.ts";
import type { Settings } from "./settings.ts";
import { STYLE } from "./style.ts";

type State = "good" | "warn" | "bad" | "none";

/** Text that is HTML already, and not escaped again. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** HTML with every inserted value escaped. */
function html(parts: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  const escaped = values.map((value) =>
    typeof value === "string"
      ? value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
      : [value]
          .flat()
          .map(({ text }) => text)
          .join(""),
  );
  return new Html(parts.map((part, index) => part + (escaped[index] ?? "")).join(""));
}

/**
 * The system at a glance, from one scrape: what is up, how much it holds, how old the last backup is.
 *
 * @param now when the page was made; ages are counted from here
 * @param settings after how many missed runs a backup is overdue; address of the dashboard, where there is one
 */
export function landingPage(
  page: Page,
  now: Date,
  { backupRuns, dashboardUrl }: Pick<Settings, "backupRuns" | "dashboardUrl">,
): string {
  const stack = page.values("mem0_stack_info")[0]?.labels ?? {};
  const checks = healthChecks(page, now, backupRuns);
  const verdict = verdictOf(checks);
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>mem0 ${stack.stack ?? ""}: ${verdict.text}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header class="${verdict.state}">
<h1>mem0 <small>${stack.stack ?? ""}</small></h1>
<p role="status">${verdict.text}</p>
</header>
<main>
<section aria-label="Health"><h2>Health</h2><ul class="checks">${checks.map(
    ({ name, state, note }) => html`<li class="${state}"><b>${name}</b> <span>${note}</span></li>`,
  )}</ul></section>
<section aria-label="Memory"><h2>Memory</h2><dl class="figures">${figures(page)}</dl></section>
<section aria-label="Requests"><h2>Requests since the server's start</h2><dl class="figures">${traffic(page)}</dl></section>
<section aria-label="Backups"><h2>Backups</h2>${backups(page, now)}</section>
<section aria-label="Storage"><h2>Storage</h2><dl class="figures">${storage(page)}</dl></section>
<section aria-label="Versions"><h2>Versions</h2><dl class="versions">${versions(page, now)}</dl></section>
</main>
<footer>${dashboardUrl === undefined ? [] : html`<a href="${dashboardUrl}">dashboard</a> `}<a href="/metrics">metrics</a> <a href="/healthz">healthz</a> <a href="/runbook">runbook</a> <span>${stack.embedder ?? ""}, ${stack.dimensions ?? ""} dimensions</span> <time datetime="${now.toISOString()}">${now.toISOString().slice(0, 19).replace("T", " ")} UTC</time></footer>
</body>
</html>
`;
  return document.text;
}

interface Check {
  name: string;
  state: State;
  note: string;
}

function healthChecks(page: Page, now: Date, backupRuns: number): Check[] {
  const up = (name: string, metric: MetricName): Check =>
    page.value(metric) === 1 ? { name, state: "good", note: "up" } : { name, state: "bad", note: "down" };
  const server = up("Memory server", "mem0_service_up");
  const ready = page.value("mem0_service_ready");
  if (server.state === "good" && ready !== 1) {
    server.state = "warn";
    server.note = ready === 0 ? "up, but waiting for its stores" : "up, but its metrics cannot be read";
  }
  return [
    server,
    up("PostgreSQL", "mem0_postgres_up"),
    up("Neo4j", "mem0_neo4j_up"),
    identity(page),
    backupCheck(page, now, backupRuns),
    ...botCheck(page),
  ];
}

/** Nothing where there is no bot. */
function botCheck(page: Page): Check[] {
  const name = "Telegram bot";
  const up = page.value("mem0_bot_up");
  if (up === undefined) return [];
  if (up !== 1) return [{ name, state: "bad", note: "down" }];
  const reason = page
    .values("mem0_bot_fault")
    .find(({ labels, value }) => labels.peer === "telegram" && value === 1)?.labels.reason;
  return reason === undefined
    ? [{ name, state: "good", note: "up" }]
    : [{ name, state: "warn", note: `up, but does not poll: ${reason}` }];
}

function backupCheck(page: Page, now: Date, backupRuns: number): Check {
  const name = "Backups";
  if (page.value("mem0_backup_status_up") !== 1)
    return { name, state: "bad", note: "their status cannot be read" };
  const runs = page.values("mem0_backup_last_run_timestamp_seconds");
  if (runs.length === 0) return { name, state: "warn", note: "none yet" };
  const wrong = runs.flatMap(({ labels: { tier = "" } }) => {
    if (page.value("mem0_backup_last_run_result", { tier, result: "ok" }) !== 1) return [`${tier} failed`];
    const good = page.value("mem0_backup_last_success_timestamp_seconds", { tier }) ?? 0;
    const interval = page.value("mem0_backup_interval_seconds", { tier }) ?? Number.POSITIVE_INFINITY;
    return now.getTime() / 1000 - good > backupRuns * interval ? [`${tier} overdue`] : [];
  });
  if (page.value("mem0_backup_copy_success") === 0) wrong.push("not copied elsewhere");
  if (page.value("mem0_restore_drill_success") === 0) wrong.push("restore drill failed");
  return wrong.length === 0
    ? { name, state: "good", note: "done" }
    : { name, state: "bad", note: wrong.join(", ") };
}

function identity(page: Page): Check {
  const name = "Data identity";
  const stores = page.values("mem0_identity_match");
  const foreign = stores.filter(({ value }) => value !== 1).map(({ labels }) => labels.store);
  if (foreign.length > 0) return { name, state: "bad", note: `not this stack's data: ${foreign.join(", ")}` };
  return stores.length === 2
    ? { name, state: "good", note: "the deployed one" }
    : { name, state: "warn", note: "not all stores can be asked" };
}

function verdictOf(checks: readonly Check[]): { text: string; state: State } {
  const bad = checks.filter(({ state }) => state === "bad");
  if (bad.length > 0)
    return { state: "bad", text: bad.map(({ name, note }) => `${name}: ${note}`).join(", ") };
  const warned = checks.filter(({ state }) => state === "warn");
  if (warned.length > 0)
    return { state: "warn", text: warned.map(({ name, note }) => `${name}: ${note}`).join(", ") };
  return { state: "good", text: "all is well" };
}

function figure(name: string, text: string | undefined, note = ""): Html {
  return html`<div><dt>${name}</dt><dd>${text ?? "unknown"} <small>${note}</small></dd></div>`;
}

function figures(page: Page): Html[] {
  const counted = (metric: MetricName) => {
    const value = page.value(metric);
    return value === undefined ? undefined : count(value);
  };
  return [
    figure("memories", counted("mem0_memories_total")),
    figure("users", counted("mem0_users_total")),
    figure("entities", counted("mem0_neo4j_nodes")),
    figure("relationships", counted("mem0_neo4j_relationships")),
  ];
}

function traffic(page: Page): Html[] {
  const real = (metric: MetricName) => page.values(metric).filter(({ labels }) => labels.kind !== PROBE);
  const total = (metric: MetricName, suffix = "") =>
    real(metric)
      .filter(({ metricName }) => metricName === `${metric}${suffix}`)
      .reduce((sum, { value }) => sum + value, 0);
  const known = page.values("mem0_api_requests_total").length > 0;
  const own = real("mem0_api_errors_total")
    .filter(({ labels }) => labels.status === "5xx")
    .reduce((sum, { value }) => sum + value, 0);
  const answered = total("mem0_api_response_time_seconds", "_count");
  const mean = answered === 0 ? undefined : total("mem0_api_response_time_seconds", "_sum") / answered;
  return [
    figure("requests", known ? count(total("mem0_api_requests_total")) : undefined),
    figure("server errors", known ? count(own) : undefined),
    figure("mean answer", known ? (mean === undefined ? "none yet" : seconds(mean)) : undefined),
    figure("connections", connections(page)),
  ];
}

function connections(page: Page): string | undefined {
  const used = page.value("mem0_database_connections");
  const max = page.value("mem0_database_connections_max");
  return used === undefined || max === undefined ? undefined : `${used} of ${max}`;
}

function backups(page: Page, now: Date): Html {
  const runs = page.values("mem0_backup_last_run_timestamp_seconds");
  const since = (time: number) => (time === 0 ? "never" : `${age(now.getTime() / 1000 - time)} ago`);
  const rows = runs.map(({ labels: { tier = "" } }) => {
    const result = page
      .values("mem0_backup_last_run_result")
      .find(({ labels, value }) => labels.tier === tier && value === 1)?.labels.result;
    const good = page.value("mem0_backup_last_success_timestamp_seconds", { tier }) ?? 0;
    const size = page.value("mem0_backup_last_success_size_bytes", { tier });
    return html`<tr class="${result === "ok" ? "good" : "bad"}"><th scope="row">${tier}</th><td>${since(good)}</td><td>${size === undefined ? "" : bytes(size)}</td><td>${result ?? "unknown"}</td></tr>`;
  });
  const drilled = page.value("mem0_restore_drill_timestamp_seconds");
  const passed = page.value("mem0_restore_drill_success") === 1;
  const drill =
    drilled === undefined
      ? html`<p>No restore drill yet.</p>`
      : html`<p>Last restore drill: ${since(drilled)}, ${passed ? "passed" : "FAILED"}.</p>`;
  if (rows.length === 0) return html`<p class="warn">No backup yet.</p>${drill}`;
  return html`<table><thead><tr><th>tier</th><th>last good</th><th>size</th><th>last run</th></tr></thead><tbody>${rows}</tbody></table>${drill}`;
}

function storage(page: Page): Html[] {
  const database = page.value("mem0_database_size_bytes");
  const disks = page.values("mem0_disk_free_bytes").map(({ labels: { place = "" }, value }) => {
    const size = page.value("mem0_disk_size_bytes", { place });
    return figure(`free, ${place}`, bytes(value), size === undefined ? "" : `of ${bytes(size)}`);
  });
  return [figure("database", database === undefined ? undefined : bytes(database)), ...disks];
}

function versions(page: Page, now: Date): Html[] {
  return page.values("mem0_component_info").map(({ labels: { component = "", version = "" } }) => {
    const started = page.value("mem0_component_start_time_seconds", { component });
    const uptime = started === undefined ? "" : `for ${age(now.getTime() / 1000 - started)}`;
    return figure(component, version, uptime);
  });
}
