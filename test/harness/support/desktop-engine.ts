import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import { socketOf } from "../../../ops/docker/client.ts";

/** The answer of `GET /containers/ID/json`, as far as it is changed here. */
interface Inspected {
  Mounts?: { Type: string; Source: string }[];
}

/**
 * Runs `use` with this machine's engine behind a socket at which it tells the directories of containers as Docker Desktop
 * does: below `/host_mnt`, where its virtual machine has them. As there, no container can be made with such a path.
 */
export async function withDesktopEngine(
  engineHost: string,
  file: string,
  use: (host: string) => Promise<void>,
): Promise<void> {
  const socketPath = socketOf(engineHost);
  const server = http.createServer((request, response) => {
    const { method, url: path, headers } = request;
    const onward = http.request({ socketPath, method, path, headers }, (answer) => {
      const status = answer.statusCode ?? 500;
      if (method !== "GET" || !/\/containers\/[^/]+\/json/.test(path ?? "") || status !== 200) {
        response.writeHead(status, answer.headers);
        answer.pipe(response);
        return;
      }
      void text(answer).then((body) => {
        const inspected = JSON.parse(body) as Inspected;
        for (const mount of inspected.Mounts ?? []) {
          if (mount.Type === "bind") mount.Source = `/host_mnt${mount.Source}`;
        }
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(inspected));
      });
    });
    request.pipe(onward);
  });
  // What a container's streams are attached through: from here on both sides talk as they like.
  server.on("upgrade", (request, near: net.Socket, head) => {
    const far = net.connect({ path: socketPath, allowHalfOpen: true });
    const pairs = Array.from({ length: request.rawHeaders.length / 2 }, (_, index) =>
      request.rawHeaders.slice(2 * index, 2 * index + 2).join(": "),
    );
    far.write(`${request.method} ${request.url} HTTP/1.1\r\n${pairs.join("\r\n")}\r\n\r\n`);
    far.write(head);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(file);
  await once(server, "listening");
  try {
    await use(`unix://${file}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
