import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { refusal } from "./asked.ts";
import { describe } from "./failure.ts";
import { landingPage } from "./landing.ts";
import { log } from "./log.ts";
import { OwnMetrics } from "./own-metrics.ts";
import { backupsPart } from "./parts/backups.ts";
import { botPart } from "./parts/bot.ts";
import { diskPart } from "./parts/disk.ts";
import { neo4jPart } from "./parts/neo4j.ts";
import { PARTS } from "./parts/part.ts";
import { postgresPart } from "./parts/postgres.ts";
import { serverPart } from "./parts/server.ts";
import { Scraper } from "./scrape.ts";
import type { Settings } from "./settings.ts";

const EXPOSITION = "text/plain; version=0.0.4; charset=utf-8";

export interface Exporter {
  /** Port that it listens on; one that was free where the settings say 0. */
  port: number;
  close: () => Promise<void>;
}

/**
 * Starts answering scrapes. It starts without the stores too: to tell that they cannot be reached is its task.
 *
 * @param host address to listen on
 */
export async function startExporter(settings: Settings, host: string): Promise<Exporter> {
  const { botMetricsUrl } = settings;
  const own = new OwnMetrics(PARTS.filter((part) => part !== "bot" || botMetricsUrl !== undefined));
  const parts = [
    serverPart(settings.server),
    postgresPart(settings, own.time),
    neo4jPart(settings, own.time),
    backupsPart(settings.backupStatusFile),
    diskPart(settings.disks),
    ...(botMetricsUrl === undefined ? [] : [botPart(botMetricsUrl)]),
  ];
  const scraper = new Scraper({ settings, parts, own });

  const routes: Record<string, (response: ServerResponse) => Promise<void>> = {
    "/metrics": async (response) => {
      const page = await scraper.scrape();
      answer(response, 200, EXPOSITION, `${await page.render()}\n${await own.render()}`);
    },
    "/": async (response) => {
      answerPage(response, landingPage(await scraper.scrape(), new Date(), settings));
    },
    "/runbook": async (response) => answerPage(response, await readFile(settings.runbookFile, "utf8")),
    "/healthz": async (response) => answer(response, 200, "text/plain; charset=utf-8", "ok\n"),
  };

  const server = createServer((request, response) => {
    const refused = refusal(request.headers, settings.hosts);
    if (refused !== undefined) return answer(response, refused.status, "text/plain", refused.text);
    const route = routes[(request.url ?? "").split("?")[0] ?? ""];
    const allowed = request.method === "GET" || request.method === "HEAD";
    if (route === undefined)
      return answer(response, 404, "text/plain", "there are /, /metrics, /runbook and /healthz\n");
    if (!allowed) return answer(response, 405, "text/plain", "only GET and HEAD\n");
    route(response).catch((error: unknown) => {
      log("error", "a request failed", { url: request.url, reason: describe(error) });
      if (!response.headersSent) answer(response, 500, "text/plain", "the exporter failed; see its log\n");
    });
  });
  const port = await listen(server, settings.port, host);
  log("info", "listening", { host, port, stack: settings.stack });
  return {
    port,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      await scraper.close();
    },
  };
}

/** For every answer: it is what it says it is, and no page of another origin may show or load it. */
const CLOSED = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Resource-Policy": "same-origin",
} as const;

/** Answers with a page of ours: its style is in the page, and there is never a script. */
function answerPage(response: ServerResponse, html: string): void {
  response.setHeader(
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  answer(response, 200, "text/html; charset=utf-8", html);
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "Content-Type": type, ...CLOSED });
  response.end(body);
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
