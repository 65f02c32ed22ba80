import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Content } from "./content.ts";
import { dashboardRoutes } from "./dashboards.ts";
import { dataSourceRoutes } from "./data-sources.ts";
import { folderRoutes } from "./folders.ts";
import { notificationRoutes } from "./notifications.ts";
import { type Answer, type ApiRequest, Refusal, type Routes } from "./request.ts";
import { ruleGroupRoutes } from "./rule-groups.ts";

interface Route {
  method: string;
  parts: string[];
  answer: Routes[string];
}

/**
 * The part of Grafana's HTTP API that a stack uses, as grafana.com/docs/grafana/latest/developers/http_api and the
 * sources of Grafana 12 describe it, over a Grafana that shows nothing and asks nobody. It refuses what Grafana refuses.
 */
export class FakeGrafana {
  readonly user = "admin";
  /** Another one than the caller knows makes Grafana refuse every call. */
  password = "a password of the tests";
  readonly token = "glsa_a_token_of_the_tests";
  readonly content = new Content();
  /** `METHOD /path` of each call that asked for a change, in order. */
  readonly changes: string[] = [];
  readonly #routes: Route[];
  readonly #server: Server;

  private constructor() {
    const { content } = this;
    this.#routes = Object.entries({
      ...folderRoutes(content),
      ...dataSourceRoutes(content),
      ...dashboardRoutes(content),
      ...ruleGroupRoutes(content),
      ...notificationRoutes(content),
    }).map(([route, answer]) => {
      const [method = "", path = ""] = route.split(" ");
      return { method, parts: path.split("/"), answer };
    });
    this.#server = createServer((request, response) => {
      void this.#respond(request).then(({ status = 200, body }) => {
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
    });
  }

  /** @param port 0: any that is free */
  static async start(port = 0): Promise<FakeGrafana> {
    const grafana = new FakeGrafana();
    await new Promise<void>((resolve, reject) => {
      grafana.#server.once("error", reject);
      grafana.#server.listen(port, "127.0.0.1", resolve);
    });
    return grafana;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a caller proves himself with. */
  get auth(): string {
    return `${this.user}:${this.password}`;
  }

  /** Ends it as a crash would: nothing is answered any more. What it keeps is still there. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What a person does by hand: one call with the right login. */
  async ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  }

  async #respond(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "GET";
    if (pathname === "/api/health") return { body: { commit: "fake", database: "ok", version: "12.4.5" } };
    try {
      this.#requireLogin(request.headers.authorization);
      if (method !== "GET") this.changes.push(`${method} ${pathname}`);
      const found = this.#find(method, pathname);
      const { answer } = found;
      if (answer === undefined) throw new Refusal(404, "Not found");
      const disabled = request.headers["x-disable-provenance"] !== undefined;
      const call: ApiRequest = {
        parameters: found.parameters,
        query: searchParams,
        body: await bodyOf(request),
        provenance: disabled ? "" : "api",
      };
      return answer(call);
    } catch (error) {
      if (error instanceof Refusal)
        return { status: error.status, body: { message: error.message, ...error.more } };
      return { status: 500, body: { message: String(error) } };
    }
  }

  #requireLogin(authorization: string | undefined): void {
    const [scheme, value = ""] = (authorization ?? "").split(" ");
    if (scheme === "Bearer" && value === this.token) return;
    if (scheme === "Basic" && Buffer.from(value, "base64").toString() === this.auth) return;
    const message = { Bearer: "Invalid API key", Basic: "Invalid username or password" }[scheme ?? ""];
    throw new Refusal(401, message ?? "Unauthorized");
  }

  #find(method: string, pathname: string): { answer?: Routes[string]; parameters: Record<string, string> } {
    const given = pathname.split("/").map(decodeURIComponent);
    for (const { parts, answer, method: own } of this.#routes) {
      if (own !== method || parts.length !== given.length) continue;
      if (!parts.every((part, index) => part.startsWith(":") || part === given[index])) continue;
      const named = parts.flatMap((part, index) =>
        part.startsWith(":") ? [[part.slice(1), given[index] ?? ""]] : [],
      );
      return { answer, parameters: Object.fromEntries(named) };
    }
    return { parameters: {} };
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "bad request data");
  }
}
