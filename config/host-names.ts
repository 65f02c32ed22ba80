import { SERVICES } from "./names.ts";
import type { Settings } from "./settings.ts";

/** Loopback under each of its names. */
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** The host, as containers on it call it. */
const HOST_FROM_A_CONTAINER = "host.docker.internal";

/**
 * Host names that whatever a stack publishes answers to, in lower case and without ports. A page whose name was
 * pointed at this machine (DNS rebinding) asks under its own name, which is none of these.
 */
export function allowedHosts({ names, hostNames }: Pick<Settings, "names" | "hostNames">): string[] {
  const containers = SERVICES.flatMap((service) => [service, names.container(service)]);
  return [...new Set([...LOOPBACK, HOST_FROM_A_CONTAINER, ...containers, ...hostNames])];
}
