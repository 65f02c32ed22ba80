import { flag, integer, map, record, replaced, type Schema, set, text, updated } from "../schema/schema.ts";

const textField = { kind: text(), unimplemented: true } as const;
const setField = { kind: set(text()), unimplemented: true } as const;
const numberField = { kind: integer(), unimplemented: true } as const;
const flagField = { kind: flag(), unimplemented: true } as const;
const mapField = { kind: map(text()), unimplemented: true } as const;

/** docker:index/remoteImage:RemoteImage as the official plugin 5.2 has it. */
export const IMAGE: Schema = {
  name: replaced(text(), { required: true }),
  build: replaced(
    record({
      context: { kind: text(), required: true },
      dockerfile: { kind: text(), default: "Dockerfile" },
      buildArgs: { kind: map(text()) },
      target: { kind: text() },
      platform: { kind: text() },
      noCache: { kind: flag() },
      remove: { kind: flag(), default: true },
      forceRemove: { kind: flag() },
      useLegacyBuilder: { kind: flag(), only: false },
      additionalContexts: setField,
      authConfigs: setField,
      buildId: textField,
      buildLogFile: textField,
      builder: textField,
      cacheFroms: setField,
      cacheTos: setField,
      cgroupParent: textField,
      cpuPeriod: numberField,
      cpuQuota: numberField,
      cpuSetCpus: textField,
      cpuSetMems: textField,
      cpuShares: numberField,
      extraHosts: setField,
      isolation: textField,
      label: mapField,
      labels: mapField,
      memory: numberField,
      memorySwap: numberField,
      networkMode: textField,
      provenance: textField,
      pullParent: flagField,
      remoteContext: textField,
      sbom: textField,
      secrets: setField,
      securityOpts: setField,
      sessionId: textField,
      shmSize: numberField,
      squash: flagField,
      suppressOutput: flagField,
      tags: setField,
      ulimits: setField,
      version: textField,
    }),
  ),
  triggers: replaced(map(text())),
  pullTriggers: replaced(set(text()), { absent: null }),
  platform: replaced(text(), { absent: null }),
  keepLocally: updated(flag()),
  forceRemove: updated(flag()),
};

/** Outputs that are no inputs. */
export const IMAGE_OUTPUTS = ["id", "imageId", "repoDigest"] as const;
