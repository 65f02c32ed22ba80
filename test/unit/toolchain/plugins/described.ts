import type Docker from "dockerode";
import type { ContainerFacts } from "../../../../toolchain/plugins/docker/container-state.ts";

/** A running container as Docker would describe it that had been made with these options. */
export function described(options: Docker.ContainerCreateOptions): ContainerFacts {
  const host = options.HostConfig ?? {};
  return {
    Id: "f00d",
    Name: `/${options.name}`,
    Platform: "linux",
    State: { Running: true, Status: "running", ExitCode: 0 },
    Config: { ...options, Hostname: options.Hostname ?? "f00d", StopTimeout: options.StopTimeout ?? null },
    HostConfig: { ...host, Runtime: "runc" },
    NetworkSettings: { Bridge: "", Ports: host.PortBindings, Networks: {} },
  } as unknown as ContainerFacts;
}
