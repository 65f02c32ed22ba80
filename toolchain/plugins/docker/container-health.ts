import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { Operation } from "../protocol/resource.ts";

const POLL_MS = 250;
const REPORT_EVERY_MS = 2_000;
const LOG_LINES = 15;

type Facts = Docker.ContainerInspectInfo;

/** Resolves when the container runs; fails when it has ended for good, with the end of its log. */
export async function awaitRunning(
  container: Docker.Container,
  limitMs: number,
  operation: Operation,
): Promise<void> {
  await poll(
    container,
    limitMs,
    operation,
    "running",
    (facts) => facts.State.Running && !facts.State.Restarting,
  );
}

/**
 * Resolves when the health check succeeds. An unhealthy container may still recover, so only the time limit or the
 * container's end fails.
 */
export async function awaitHealthy(
  container: Docker.Container,
  limitMs: number,
  operation: Operation,
): Promise<void> {
  await poll(container, limitMs, operation, "healthy", (facts) => {
    const health = facts.State.Health;
    if (health === undefined && facts.State.Running) {
      throw new Error('"wait" needs a health check, and neither the program nor the image has one');
    }
    return health?.Status === "healthy";
  });
}

async function poll(
  container: Docker.Container,
  limitMs: number,
  operation: Operation,
  goal: string,
  reached: (facts: Facts) => boolean,
): Promise<void> {
  const begin = performance.now();
  let reportAt = REPORT_EVERY_MS;
  for (;;) {
    const facts = await container.inspect();
    if (reached(facts)) return;
    const status = facts.State.Health?.Status ?? facts.State.Status;
    const waited = performance.now() - begin;
    if (hasEnded(facts)) {
      throw new Error(`it ended with exit code ${facts.State.ExitCode}${await logEnd(container)}`);
    }
    if (waited > limitMs) {
      throw new Error(
        `not ${goal} within ${limitMs / 1000} s, but ${status}${lastProbe(facts)}${await logEnd(container)}`,
      );
    }
    if (waited >= reportAt) {
      reportAt += REPORT_EVERY_MS;
      operation.progress.status(`${status}, ${Math.round(waited / 1000)} s of ${limitMs / 1000} s`);
    }
    await sleep(POLL_MS, undefined, { signal: operation.signal });
  }
}

/** A container that its restart policy will start again is "restarting", not ended. */
function hasEnded(facts: Facts): boolean {
  return facts.State.Status === "exited" || facts.State.Status === "dead";
}

function lastProbe(facts: Facts): string {
  const probe = facts.State.Health?.Log?.at(-1);
  return probe === undefined ? "" : `; its last probe ended with ${probe.ExitCode}: ${probe.Output.trim()}`;
}

async function logEnd(container: Docker.Container): Promise<string> {
  const { Config } = await container.inspect();
  const raw = await container.logs({ stdout: true, stderr: true, tail: LOG_LINES, follow: false });
  const text = (Config.Tty ? raw.toString("utf8") : demultiplex(raw)).trim();
  return text === "" ? "" : `\nThe end of its log:\n${text}`;
}

/** Without a terminal Docker sends frames: stream number, three zeros, length as 32 bits, data. */
export function demultiplex(frames: Buffer): string {
  let text = "";
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    text += frames.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
