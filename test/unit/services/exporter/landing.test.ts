import { describe, expect, it } from "vitest";
import { landingPage } from "../../../../services/exporter/src/landing.ts";
import { Page } from "../../../../services/exporter/src/page.ts";

const NOW = new Date("2026-01-10T12:00:00Z");
const SETTINGS = { backupRuns: 3 };
const ago = (seconds: number) => NOW.getTime() / 1000 - seconds;

/** A stack in which all is well. */
function goodPage(): Page {
  const page = new Page();
  page.set("mem0_stack_info", 1, { stack: "prd", embedder: "e", dimensions: "3" });
  for (const name of [
    "mem0_service_up",
    "mem0_service_ready",
    "mem0_postgres_up",
    "mem0_neo4j_up",
  ] as const) {
    page.set(name, 1);
  }
  for (const store of ["postgres", "neo4j"]) page.set("mem0_identity_match", 1, { store });
  page.set("mem0_backup_status_up", 1);
  page.set("mem0_memories_total", 1234567);
  return page;
}

function withBackup(result: string, ageSeconds: number): Page {
  const page = goodPage();
  const tier = "daily";
  page.set("mem0_backup_last_run_timestamp_seconds", ago(60), { tier });
  page.set("mem0_backup_last_run_result", 1, { tier, result });
  page.set("mem0_backup_last_success_timestamp_seconds", ago(ageSeconds), { tier });
  page.set("mem0_backup_interval_seconds", 86_400, { tier });
  return page;
}

const verdict = (page: Page) => /<p role="status">(.*?)<\/p>/.exec(landingPage(page, NOW, SETTINGS))?.[1];

describe("the landing page", () => {
  it("says that all is well only when everything is, the backups too", () => {
    expect(verdict(withBackup("ok", 3_600))).toBe("all is well");
    expect(verdict(goodPage())).toBe("Backups: none yet");
    expect(verdict(withBackup("failed", 3_600))).toBe("Backups: daily failed");
    expect(verdict(withBackup("ok", 3 * 86_400))).toBe("all is well");
    expect(verdict(withBackup("ok", 3 * 86_400 + 1))).toBe("Backups: daily overdue");
  });

  it("says when the last backup was not copied elsewhere", () => {
    const page = withBackup("ok", 3_600);
    page.set("mem0_backup_copy_success", 0);
    expect(verdict(page)).toBe("Backups: not copied elsewhere");
  });

  it("tells of the Telegram bot where there is one", () => {
    const page = withBackup("ok", 3_600);
    page.set("mem0_bot_up", 1);
    expect(verdict(page)).toBe("all is well");
    page.set("mem0_bot_fault", 1, { peer: "telegram", reason: "conflict" });
    expect(verdict(page)).toBe("Telegram bot: up, but does not poll: conflict");
    const down = withBackup("ok", 3_600);
    down.set("mem0_bot_up", 0);
    expect(verdict(down)).toBe("Telegram bot: down");
  });

  it("names what is down, and shows nothing as a number that is not known", () => {
    const page = new Page();
    page.set("mem0_service_up", 1);
    page.set("mem0_backup_status_up", 1);
    const html = landingPage(page, NOW, SETTINGS);
    expect(verdict(page)).toBe("PostgreSQL: down, Neo4j: down");
    expect(html).toMatch(/<dt>memories<\/dt><dd>unknown/);
  });

  it("names a store with foreign data as the worst", () => {
    const page = goodPage();
    const foreign = new Page();
    foreign.add(page);
    foreign.set("mem0_identity_match", 0, { store: "neo4j" });
    expect(verdict(foreign)).toContain("not this stack&#39;s data: neo4j");
  });

  it("shows counts in groups of three and ages in words", () => {
    const html = landingPage(withBackup("ok", 7_200), NOW, SETTINGS);
    expect(html).toContain("1,234,567");
    expect(html).toContain("2 h ago");
  });

  it("leads to the dashboard where there is one", () => {
    expect(landingPage(goodPage(), NOW, { ...SETTINGS, dashboardUrl: "http://h/d/board" })).toContain(
      '<a href="http://h/d/board">dashboard</a>',
    );
    expect(landingPage(goodPage(), NOW, SETTINGS)).not.toContain("dashboard");
  });

  it("escapes what it shows", () => {
    const page = goodPage();
    page.set("mem0_component_info", 1, { component: "server", version: '<script>alert("1")</script>' });
    const html = landingPage(page, NOW, SETTINGS);
    expect(html).not.toContain("<script");
    expect(html).toContain("&#60;script&#62;");
  });
});
