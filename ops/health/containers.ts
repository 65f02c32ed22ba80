import type Docker from "dockerode";
import { z } from "zod";
import { BOT_PORT } from "../../config/names.ts";
import { ignoring } from "../docker/client.ts";
import { execInContainer } from "../docker/command.ts";
import type { BotFacts, ContainerFacts } from "./facts.ts";

/** The client of the engine, to be asked with a signal: its types know none. */
interface Abortable {
  version(options: { abortSignal: AbortSignal }): Promise<Docker.DockerVersion>;
}

/** Version of the engine. */
export async function askEngine(docker: Docker, abortSignal: AbortSignal): Promise<string> {
  const { Version } = await (docker as unknown as Abortable).version({ abortSignal });
  return Version;
}

/** Addresses that lead nowhere but to this machine. */
const LOOPBACK = /^(127\.|::1$)/;

/** How a container is, and on which addresses it is published. */
export async function lookAtContainer(
  docker: Docker,
  name: string,
  abortSignal: AbortSignal,
): Promise<ContainerFacts> {
  const seen = await docker.getContainer(name).inspect({ abortSignal }).catch(ignoring(404));
  if (seen === undefined) return { state: "missing", error: undefined, openTo: [] };
  const { State, NetworkSettings } = seen;
  const published = Object.values(NetworkSettings.Ports ?? {}).flatMap((bindings) => bindings ?? []);
  const open = published.filter(({ HostIp }) => !LOOPBACK.test(HostIp));
  return {
    state: State.Running && !State.Paused ? (State.Health?.Status ?? State.Status) : State.Status,
    error: State.Error === "" ? undefined : State.Error,
    openTo: open.map(({ HostIp, HostPort }) => `${HostIp === "" ? "all addresses" : HostIp}:${HostPort}`),
  };
}

const peer = z.object({ ok: z.boolean(), reason: z.string().optional(), detail: z.string().optional() });
const botAnswer = z.object({ ready: z.boolean() }).catchall(peer);

/** What the bot says of whom it depends on. Its port is not published, so it is asked from within. */
export async function askBot(docker: Docker, container: string, signal: AbortSignal): Promise<BotFacts> {
  const ask = `exec 3<>/dev/tcp/127.0.0.1/${BOT_PORT}; printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
  const { stdout, stderr } = await execInContainer(docker, container, ["timeout", "2", "bash", "-c", ask]);
  signal.throwIfAborted();
  const body = stdout.split("\r\n\r\n")[1];
  if (body === undefined) throw new Error(stderr.trim() || "the bot gives no answer");
  const { ready, ...peers } = botAnswer.parse(JSON.parse(body));
  return { ready, peers };
}
