import { readFileSync } from "node:fs";
import path from "node:path";
import neo4j, { type Driver } from "neo4j-driver-lite";
import pg from "pg";
import type { Manifest } from "../../config/manifest.ts";
import { Problem } from "../base/problem.ts";
import { required } from "../stack/manifest-file.ts";

/** Name of a service's container. */
export function containerOf(manifest: Manifest, service: string): string {
  return required(manifest.services[service]?.container, `container of ${service}`, manifest.stack);
}

/** 0700 directory of the stack on the host. */
export function stateDirOf(manifest: Manifest): string {
  return path.dirname(
    path.dirname(required(manifest.secretFiles.api_key, "secret file api_key", manifest.stack)),
  );
}

/** The stack's settings for backups. */
export function backupSettings(manifest: Manifest): NonNullable<Manifest["backup"]> {
  return required(manifest.backup, "settings for backups", manifest.stack);
}

const CONNECT_MS = 10_000;

/** A connection to the stack's database as its owner. Close it with `end`. */
export async function connectPostgres(manifest: Manifest): Promise<pg.Client> {
  const { stack, database, services, secretFiles } = manifest;
  const client = new pg.Client({
    host: "127.0.0.1",
    port: required(services.postgres?.ports.postgres, "port of postgres", stack),
    database: database.name,
    user: database.user,
    password: secret(secretFiles.postgres_password, "postgres_password", stack),
    connectionTimeoutMillis: CONNECT_MS,
    application_name: "mem0-backup",
  });
  // A connection that breaks while nobody asks anything: the next question fails.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (cause) {
    throw new Problem("Postgres does not answer", {
      where: containerOf(manifest, "postgres"),
      mend: `./mem0 status ${stack}`,
      cause,
    });
  }
  return client;
}

/** A driver for the stack's Neo4j. Close it with `close`. */
export function connectNeo4j(manifest: Manifest): Driver {
  const { stack, services, secretFiles } = manifest;
  const port = required(services.neo4j?.ports.bolt, "port bolt of neo4j", stack);
  const password = secret(secretFiles.neo4j_password, "neo4j_password", stack);
  const token = { scheme: "basic", principal: "neo4j", credentials: password };
  return neo4j.driver(`bolt://127.0.0.1:${port}`, token, {
    connectionTimeout: CONNECT_MS,
    connectionAcquisitionTimeout: CONNECT_MS,
    maxTransactionRetryTime: 0,
    telemetryDisabled: true,
    userAgent: "mem0-backup",
  });
}

/** What is said when Neo4j does not answer. */
export function neo4jIsDown(manifest: Manifest, cause: unknown): Problem {
  return new Problem("Neo4j does not answer", {
    where: containerOf(manifest, "neo4j"),
    mend: `./mem0 status ${manifest.stack}`,
    cause,
  });
}

function secret(file: string | undefined, name: string, stack: string): string {
  const found = required(file, `secret file ${name}`, stack);
  try {
    return readFileSync(found, "utf8").trim();
  } catch (cause) {
    throw new Problem(`the secret file ${name} cannot be read`, {
      where: found,
      mend: `./mem0 up ${stack}`,
      cause,
    });
  }
}
