import { givingSecret } from "../../config/explain.ts";
import type { Answer } from "./answer.ts";
import type { HealthFacts, HealthSettings, ReadyFacts } from "./facts.ts";
import { downType, type HealthCheck } from "./health-check.ts";

/** States in which a container does what it is for. */
const WELL = ["healthy", "running"];

/** What Docker says when a port of the host is not free. */
const PORT_TAKEN = /port is already allocated|address already in use/;

/** Judges what the services of a stack answer. */
export function judgeServices(facts: HealthFacts, settings: HealthSettings): HealthCheck[] {
  return [
    ...Object.entries(facts.containers).map(([service, answer]) => container(service, answer, settings)),
    ...server(facts, settings),
    ...stores(facts, settings),
    ...identity(facts, settings),
    canary(facts, settings),
    ...bot(facts, settings),
  ];
}

/** A check of something that either answers well or says why it does not. */
export function answered<T>(
  [name, type]: readonly [name: string, type: string],
  answer: Answer<T>,
  found: (value: T) => string,
  mend: string,
): HealthCheck {
  return "value" in answer
    ? { name, type, ok: true, found: found(answer.value) }
    : { name, type, ok: false, found: answer.reason, mend };
}

function logs(service: string, { containers }: HealthSettings): string {
  return `docker logs ${containers[service] ?? service} --tail 50`;
}

function container(
  service: string,
  answer: HealthFacts["containers"][string],
  settings: HealthSettings,
): HealthCheck {
  const up = `./mem0 up ${settings.stack}`;
  const [name, type] = [`container of ${service}`, downType(service)];
  if (!("value" in answer)) return { name, type, ok: false, found: answer.reason, mend: up };
  const { state, error } = answer.value;
  if (WELL.includes(state)) return { name, type, ok: true, found: state };
  if (error !== undefined && PORT_TAKEN.test(error)) {
    const mend = `lsof -i -P tells who listens; stop it, or set another port in mem0:ports, then: ${up}`;
    return { name, type, ok: false, found: `${state}, since a port is taken: ${error}`, mend };
  }
  const mend = state === "unhealthy" || state === "starting" ? logs(service, settings) : up;
  return { name, type, ok: false, found: error === undefined ? state : `${state}: ${error}`, mend };
}

function server({ server, ready }: HealthFacts, settings: HealthSettings): HealthCheck[] {
  return [
    answered(
      ["server", "mem0_server_endpoint"],
      server,
      () => "answers",
      `docker restart ${settings.containers.server ?? "the server"}; ${logs("server", settings)}`,
    ),
    ...("value" in ready
      ? readiness(ready.value, settings)
      : [answered(["readiness", "mem0_server_not_ready"], ready, () => "", logs("server", settings))]),
  ];
}

/** What the server says of each of those behind it; the two models are one matter. */
function readiness({ ready, checks, waitingFor }: ReadyFacts, settings: HealthSettings): HealthCheck[] {
  const of = (part: string) => checks[part] ?? { ok: true };
  const models = [of("model"), of("chat")].filter(({ ok }) => !ok);
  const reason = models.map(({ reason }) => reason ?? "does not answer").join(" ");
  const refused = /40[13]/.test(reason);
  const model: HealthCheck =
    models.length === 0
      ? { name: "model", type: "model_refused", ok: true, found: "answers" }
      : {
          name: "model",
          type: "model_refused",
          ok: false,
          found: refused ? `${reason} Its key is refused.` : reason,
          mend: settings.embedded
            ? logs("model", settings)
            : refused
              ? `${givingSecret("openaiApiKey", settings.stack)}, then: ./mem0 up ${settings.stack}`
              : `see whether the model's API is up; then ${logs("server", settings)}`,
        };
  const behind = ["postgres", "neo4j", "history"].filter((part) => !of(part).ok);
  const lacking = behind.map((part) => ({
    name: `ready ${part}`,
    type: "mem0_server_not_ready",
    ok: false,
    found: `the server says of ${part}: ${of(part).reason ?? "does not answer"}`,
    mend: logs("server", settings),
  }));
  if (lacking.length > 0) return [...lacking, model];
  if (waitingFor !== undefined) {
    const mend = logs("server", settings);
    return [{ name: "readiness", type: "mem0_server_not_ready", ok: false, found: waitingFor, mend }, model];
  }
  const found = ready || models.length > 0 ? "its stores answer and are its own" : "not ready";
  return [{ name: "readiness", type: "mem0_server_not_ready", ok: true, found }, model];
}

function stores({ postgres, neo4j, neo4jHttp }: HealthFacts, settings: HealthSettings): HealthCheck[] {
  return [
    answered(
      ["Postgres", "postgresql_connection"],
      postgres.session,
      () => "takes connections",
      mendOf(postgres.session, "postgres", settings),
    ),
    answered(
      ["database", "postgresql_db_access"],
      postgres.identity,
      () => "can be read",
      logs("postgres", settings),
    ),
    ...(neo4jHttp === undefined
      ? []
      : [answered(["Neo4j's page", "neo4j_endpoint"], neo4jHttp, () => "answers", logs("neo4j", settings))]),
    answered(["Neo4j", "neo4j_connection"], neo4j, () => "answers", mendOf(neo4j, "neo4j", settings)),
  ];
}

/** What databases say of a wrong password. */
const WRONG_PASSWORD = /password authentication failed|unauthorized|authentication failure/i;

function mendOf(answer: Answer<unknown>, service: "postgres" | "neo4j", settings: HealthSettings): string {
  if ("value" in answer || !WRONG_PASSWORD.test(answer.reason)) return logs(service, settings);
  const set = {
    postgres: `docker exec -it ${settings.containers.postgres} psql -U postgres -c '\\password ${settings.databaseUser}'`,
    neo4j: "ALTER CURRENT USER SET PASSWORD in Neo4j's browser",
  };
  return `give the database the password that stands in secrets/${service}_password again: ${set[service]}`;
}

/** An empty or foreign database behind an API that works is an incident. */
function identity({ postgres, neo4j }: HealthFacts, { instanceId, stack }: HealthSettings): HealthCheck[] {
  const [name, type] = ["identity", "identity_mismatch"];
  const told = [
    { store: "Postgres", answer: postgres.identity },
    { store: "Neo4j", answer: neo4j },
  ].flatMap(({ store, answer }) => ("value" in answer ? [{ store, id: answer.value.instanceId }] : []));
  const foreign = told.filter(({ id }) => id !== instanceId);
  if (told.length === 0) return [];
  if (foreign.length === 0) {
    return [
      { name, type, ok: true, found: `${told.map(({ store }) => store).join(" and ")}: of this stack` },
    ];
  }
  const found = foreign.map(
    ({ store, id }) => `${store} holds ${id === undefined ? "no identity" : `the data of ${id}`}`,
  );
  const mend = `stop writing, and bring the data back: ./mem0 backups ${stack}, then ./mem0 restore`;
  return [{ name, type, ok: false, found: found.join("; "), mend }];
}

function canary({ canary, ready, now }: HealthFacts, settings: HealthSettings): HealthCheck {
  const [name, type] = ["canary", "canary_failed"];
  if ("value" in ready && ready.value.pausedSeconds > 0) {
    return {
      name,
      type,
      ok: true,
      found: `not asked: writes are paused for ${Math.ceil(ready.value.pausedSeconds)} s`,
    };
  }
  const minutes = Math.round((now - canary.at) / 60_000);
  const when = minutes < 1 ? "" : `, ${minutes} min ago`;
  return answered(
    [name, type],
    canary.answer,
    ({ similarity, milliseconds }) =>
      `written, found by meaning (${similarity.toFixed(2)}) and removed in ${Math.round(milliseconds)} ms${when}`,
    logs("server", settings),
  );
}

function bot({ bot }: HealthFacts, settings: HealthSettings): HealthCheck[] {
  if (bot === undefined) return [];
  const [name, type] = ["Telegram bot", "bot_not_polling"];
  const mend = logs("telegram_bot", settings);
  if (!("value" in bot)) return [{ name, type, ok: false, found: bot.reason, mend }];
  const wrong = Object.entries(bot.value.peers).filter(([, { ok }]) => !ok);
  const found = wrong.map(
    ([peer, { reason, detail }]) => `${peer}: ${detail ?? reason ?? "does not answer"}`,
  );
  return wrong.length === 0
    ? [{ name, type, ok: true, found: "polls Telegram" }]
    : [{ name, type, ok: false, found: found.join("; "), mend }];
}
