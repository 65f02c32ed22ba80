import { setTimeout as sleep } from "node:timers/promises";
import { Engine } from "./engine.ts";
import { grpc } from "./generated.ts";
import type { Plugin } from "./resource.ts";
import { createService } from "./service.ts";

/** How long operations get to end after the engine has gone or a signal came, in ms; the engine itself waits 5 s. */
const LAST_GRACE_MS = 4_000;

/**
 * Serves a plugin to the engine that started this process, until the engine ends it. The engine gives its address as
 * the last argument, reads our port from the first line of stdout, and keeps our stdin open as long as it lives.
 */
export async function serve(plugin: Plugin): Promise<void> {
  const address = process.argv.slice(2).findLast((argument) => !argument.startsWith("-"));
  if (address === undefined) {
    throw new Error(
      `this is a Pulumi plugin (${plugin.name}): the Pulumi engine starts it, with its address`,
    );
  }
  const stop = new AbortController();
  const { server, idle } = createService(plugin, new Engine(address), stop);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });

  let ending = false;
  const end = (reason: string) => {
    if (ending) return;
    ending = true;
    stop.abort(new Error(reason));
    void Promise.race([idle(), sleep(LAST_GRACE_MS)]).then(() => process.exit(0));
  };
  process.on("SIGINT", () => end("interrupted"));
  process.on("SIGTERM", () => end("terminated"));
  process.stdin.on("end", () => end("the engine has gone"));
  process.stdin.on("error", () => end("the engine has gone"));
  process.stdin.resume();

  process.stdout.write(`${port}\n`);
}
