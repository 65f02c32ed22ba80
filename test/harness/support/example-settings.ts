import { type Host, parseSettings, type Settings } from "../../../config/settings.ts";
import type { Machine } from "../../../ops/stack/machine-file.ts";

/** A machine as set-up would describe it. */
export const exampleHost: Host & Machine = {
  version: 1,
  platform: "linux",
  docker: { host: "unix:///var/run/docker.sock" },
  images: "registry",
  baseImage: "mem0/base:trixie-0123456789ab",
  runAs: { uid: 10001, gid: 10001 },
  stateHome: "/home/me/.mem0-host",
  tools: {
    node: { version: "22.23.3", way: "found" },
    pulumi: { version: "3.259.0", way: "registries" },
    plugins: {},
  },
  home: "/home/me",
};

/** The same machine where no image registry answers. */
export const hostWithoutRegistry: Host = { ...exampleHost, images: "packages" };

/** Settings of a stack file with these groups; throws when they are not valid. */
export function exampleSettings(
  groups: Record<string, unknown> = {},
  stack = "test",
  host: Host = exampleHost,
): Settings {
  const config = Object.fromEntries(
    Object.entries({ model: { provider: "embedded" }, ...groups }).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
  const parsed = parseSettings(stack, config, host);
  if (!parsed.ok) throw new Error(parsed.mistakes.join("\n"));
  return parsed.settings;
}
