import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { Problem } from "../../../base/problem.ts";

/** Printed after the answer to each question. */
const END = "-- end of the answer --";

/**
 * A session of the superuser over the container's own socket, for what lives as long as a session does. It ends with
 * this process, whatever becomes of it.
 */
export class PsqlSession {
  readonly #container: string;
  readonly #stream: NodeJS.ReadWriteStream;
  readonly #lines: AsyncIterator<string>;
  readonly #complaints: Promise<string>;
  readonly #ended: Promise<void>;

  private constructor(docker: Docker, container: string, stream: NodeJS.ReadWriteStream) {
    const [output, complaints] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, output, complaints);
    this.#ended = new Promise((resolve) => {
      for (const event of ["end", "close", "error"]) stream.on(event, () => resolve());
    });
    this.#ended.then(() => {
      output.end();
      complaints.end();
    });
    this.#container = container;
    this.#stream = stream;
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
    this.#complaints = text(complaints);
  }

  static async open(docker: Docker, container: string, database: string): Promise<PsqlSession> {
    const exec = await docker.getContainer(container).exec({
      Cmd: ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    return new PsqlSession(docker, container, await exec.start({ hijack: true, stdin: true }));
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
      if (line.value === END) return rows;
      rows.push(line.value);
    }
    throw new Problem(`Postgres: ${(await this.#complaints).trim() || "the session has ended"}`, {
      where: this.#container,
    });
  }

  /** Ends it, and what lived as long as it. */
  async close(): Promise<void> {
    this.#stream.end("\\quit\n");
    await this.#ended;
  }
}
