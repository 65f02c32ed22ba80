import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { gateOf } from "../config/gate.ts";
import { GATE_HEALTH, gateConfig } from "./gate-config.ts";
import { HostFile } from "./host-file.ts";
import type { Images } from "./images.ts";
import { httpHealth, type RunningService, type ServiceContext } from "./service.ts";

export interface GateArgs extends ServiceContext {
  images: Images;
}

/**
 * Publishes the ports of those services that cannot check by themselves who asks, and holds no secret: what is behind it
 * needs no network that leads anywhere.
 */
export class Gate extends pulumi.ComponentResource {
  readonly service: RunningService;

  constructor(name: string, args: GateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mem0:stack:Gate", name, {}, opts);
    const { settings } = args;
    const gate = gateOf(settings);
    const { path: source, revision } = new HostFile(
      `${name}-config`,
      {
        path: path.join(settings.stateDir, "gate", "haproxy.cfg"),
        content: gateConfig(gate),
        mode: "0600",
        owner: `${settings.runAs.uid}:${settings.runAs.gid}`,
      },
      { parent: this },
    );
    this.service = args.target.run(
      name,
      {
        service: "gate",
        image: args.images.id("gate"),
        ports: gate.routes.map(({ name: key, port }) => ({ internal: port, external: settings.ports[key] })),
        files: [{ name: "config", path: source, revision, target: "/etc/haproxy/haproxy.cfg" }],
        health: httpHealth(GATE_HEALTH.port, GATE_HEALTH.path, 5),
        limits: settings.resources.gate,
        graceSeconds: 5,
      },
      { parent: this, network: args.network },
    );
    this.registerOutputs({ container: this.service.name });
  }
}
