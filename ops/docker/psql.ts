import type Docker from "dockerode";
import { byteLines } from "../base/byte-lines.ts";
import { Problem } from "../base/problem.ts";
import { execInContainer } from "./command.ts";
import { OutputSplitter } from "./output.ts";

/** A container in which a Postgres runs. */
export interface PostgresContainer {
  docker: Docker;
  container: string;
  /** The role that connects over the container's own socket; the superuser when left out. */
  role?: string;
}

/**
 * The command that asks the Postgres of its container over the container's own socket, as the superuser unless a role is
 * named: bare rows with their columns between bars, and the end at the first error.
 */
export function psql(database: string, role = "postgres"): string[] {
  return ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database];
}

/**
 * Runs statements one after the other in one session.
 *
 * @returns what psql prints
 * @throws Problem with what Postgres said
 */
export async function sql(
  { docker, container, role }: PostgresContainer,
  database: string,
  ...statements: string[]
): Promise<string> {
  const commands = statements.flatMap((statement) => ["-c", statement]);
  const ended = await execInContainer(docker, container, [...psql(database, role), ...commands]);
  if (ended.exitCode !== 0) throw new Problem(`Postgres: ${ended.stderr.trim()}`, { where: container });
  return ended.stdout.trim();
}

/** Longest row of an answer. */
const MAX_ROW_BYTES = 16 * 1024 ** 2;

/** Printed after the answer to each question. */
const END = "-- end of the answer --";

/** A session, for what Postgres keeps until its session ends. It ends with this process at the latest. */
export class PsqlSession {
  readonly #container: string;
  readonly #stream: NodeJS.ReadWriteStream;
  readonly #lines: AsyncIterator<Buffer>;
  readonly #output = new OutputSplitter();
  readonly #ended: Promise<void>;

  private constructor(container: string, stream: NodeJS.ReadWriteStream) {
    stream.pipe(this.#output);
    this.#ended = new Promise((resolve) => {
      for (const event of ["end", "close", "error"]) stream.on(event, () => resolve());
    });
    this.#ended.then(() => this.#output.end());
    this.#container = container;
    this.#stream = stream;
    this.#lines = byteLines(this.#output, MAX_ROW_BYTES);
  }

  static async open({ docker, container, role }: PostgresContainer, database: string): Promise<PsqlSession> {
    const exec = await docker.getContainer(container).exec({
      Cmd: psql(database, role),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    return new PsqlSession(container, await exec.start({ hijack: true, stdin: true }));
  }

  /**
   * Runs one statement.
   *
   * @returns its rows, a line each
   * @throws Problem with what Postgres said; the session has ended then
   */
  async ask(statement: string): Promise<string[]> {
    const rows: string[] = [];
    this.#stream.write(`${statement};\n\\echo '${END}'\n`);
    // Not a loop over all lines: leaving it would end the reading for good.
    for (let line = await this.#lines.next(); line.done !== true; line = await this.#lines.next()) {
      const row = line.value.toString("utf8");
      if (row === END) return rows;
      rows.push(row);
    }
    throw new Problem(`Postgres: ${this.#output.complaints || "the session has ended"}`, {
      where: this.#container,
    });
  }

  /** Ends the session, and with it what Postgres kept for it. */
  async close(): Promise<void> {
    this.#stream.end("\\quit\n");
    await this.#ended;
  }
}
