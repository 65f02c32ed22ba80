import { once } from "node:events";
import net from "node:net";
import type Docker from "dockerode";
import { OutputSplitter } from "./output.ts";

export interface Tunnel {
  /** On 127.0.0.1. */
  port: number;
  close(): Promise<void>;
}

/** Copies both ways between a port inside the container and the standard streams, until either side ends. */
const COPY = 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat <&3 & cat >&3; kill $! 2>/dev/null';

/**
 * Reaches a port of a container that publishes none and has no network to reach it by, through Docker itself. The
 * image needs bash.
 */
export async function openTunnel(docker: Docker, container: string, port: number): Promise<Tunnel> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    connect(docker, container, port, socket).catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function connect(docker: Docker, container: string, port: number, socket: net.Socket): Promise<void> {
  const exec = await docker.getContainer(container).exec({
    Cmd: ["bash", "-c", COPY, "tunnel", String(port)],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  stream.pipe(new OutputSplitter()).pipe(socket);
  socket.pipe(stream);
  socket.once("close", () => stream.end());
  stream.once("error", () => socket.destroy());
}
