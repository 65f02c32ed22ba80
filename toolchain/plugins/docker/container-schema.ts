import { DURATION } from "../schema/duration.ts";
import {
  flag,
  integer,
  list,
  map,
  oneOf,
  record,
  refused,
  replaced,
  type Schema,
  set,
  text,
  updated,
} from "../schema/schema.ts";
import { LABELS } from "./labels.ts";

const duration = () => text({ pattern: DURATION, hint: "a duration such as 30s or 1m30s" });
const refusedText = { kind: text(), unimplemented: true } as const;

/**
 * docker:index/container:Container as the official plugin 5.2 has it. Memory sizes are in MB, times in seconds unless
 * a duration. What is "updated" and does not concern `docker update` only changes what the next stop or start does,
 * or nothing at all (healthcheck, tmpfs, init): the official plugin is like that, so a program has to live with it.
 */
export const CONTAINER: Schema = {
  name: replaced(text(), { required: true }),
  image: replaced(text(), { required: true }),
  command: replaced(list(text()), { computed: true }),
  entrypoints: replaced(list(text()), { computed: true }),
  envs: replaced(set(text()), { computed: true }),
  labels: replaced(LABELS, { computed: true }),
  user: replaced(text(), { computed: true }),
  workingDir: replaced(text(), { computed: true }),
  hostname: replaced(text(), { computed: true }),
  tty: replaced(flag(), { absent: false }),
  stdinOpen: replaced(flag(), { absent: false }),

  networkMode: replaced(text(), { default: "bridge" }),
  networksAdvanced: replaced(
    set(
      record({
        name: { kind: text(), required: true },
        aliases: { kind: set(text()) },
        ipv4Address: { kind: text() },
        ipv6Address: { kind: text() },
        driverOpts: { kind: set(text()), unimplemented: true },
        gwPriority: { kind: integer(), unimplemented: true },
        linkLocalIps: { kind: set(text()), unimplemented: true },
        macAddress: refusedText,
      }),
    ),
  ),
  ports: replaced(
    set(
      record({
        internal: { kind: integer(1), required: true },
        external: { kind: integer(1), computed: true },
        ip: { kind: text(), default: "0.0.0.0" },
        protocol: { kind: oneOf("tcp", "udp", "sctp"), default: "tcp" },
      }),
    ),
  ),
  hosts: replaced(
    set(record({ host: { kind: text(), required: true }, ip: { kind: text(), required: true } })),
  ),
  dns: replaced(set(text()), { absent: null, refreshed: [] }),
  dnsOpts: replaced(set(text()), { absent: null, refreshed: [] }),
  dnsSearches: replaced(set(text()), { absent: null, refreshed: [] }),

  mounts: replaced(
    set(
      record({
        type: { kind: oneOf("bind", "volume", "tmpfs"), required: true },
        source: { kind: text() },
        target: { kind: text(), required: true },
        readOnly: { kind: flag() },
        bindOptions: { kind: record({}), unimplemented: true },
        tmpfsOptions: { kind: record({}), unimplemented: true },
        volumeOptions: { kind: record({}), unimplemented: true },
      }),
    ),
  ),
  tmpfs: updated(map(text())),
  readOnly: replaced(flag(), { absent: false }),
  removeVolumes: updated(flag(), { default: true }),

  capabilities: replaced(record({ adds: { kind: set(text()) }, drops: { kind: set(text()) } })),
  securityOpts: replaced(set(text()), { computed: true }),
  privileged: replaced(flag(), { absent: false }),
  groupAdds: replaced(set(text()), { absent: null, refreshed: [] }),
  ipcMode: replaced(text(), { computed: true }),
  init: updated(flag(), { computed: true }),

  memory: updated(integer(0), { absent: 0 }),
  memorySwap: updated(integer(-1), { absent: 0 }),
  memoryReservation: updated(integer(0), { absent: 0 }),
  shmSize: replaced(integer(0), { computed: true }),
  cpus: replaced(text({ pattern: /^\d+(\.\d*)?$/, hint: "a number of CPUs as text, such as 0.5" }), {
    absent: null,
  }),
  cpuShares: updated(integer(0), { absent: 0 }),
  cpuSet: updated(text({ pattern: /^\d+([,-]\d+)*$/, hint: "CPU numbers such as 0-1 or 0,2" })),
  ulimits: replaced(
    set(
      record({
        name: { kind: text(), required: true },
        soft: { kind: integer(), required: true },
        hard: { kind: integer(), required: true },
      }),
    ),
  ),

  start: updated(flag(), { default: true }),
  mustRun: updated(flag(), { default: true }),
  wait: updated(flag(), { absent: false }),
  waitTimeout: updated(integer(1), { default: 60 }),
  containerReadRefreshTimeoutMilliseconds: updated(integer(1), { default: 15_000 }),
  restart: updated(oneOf("no", "on-failure", "always", "unless-stopped"), { default: "no" }),
  maxRetryCount: updated(integer(0), { absent: 0 }),
  stopSignal: replaced(text(), { computed: true }),
  stopTimeout: replaced(integer(0), { computed: true }),
  destroyGraceSeconds: updated(integer(0)),
  healthcheck: updated(
    record({
      tests: { kind: list(text()) },
      interval: { kind: duration(), default: "0s" },
      timeout: { kind: duration(), default: "0s" },
      startPeriod: { kind: duration(), default: "0s" },
      // Docker takes one from API 1.44 on only.
      startInterval: { kind: duration(), default: "0s", only: "0s" },
      retries: { kind: integer(0) },
    }),
    { computed: true },
  ),

  logDriver: replaced(text(), { computed: true }),
  logOpts: replaced(map(text())),

  attach: updated(flag(), { absent: false, only: false }),
  logs: updated(flag(), { absent: false, only: false }),
  rm: updated(flag(), { absent: false, only: false }),
  publishAllPorts: replaced(flag(), { absent: false, only: false }),

  cgroupParent: refused(null),
  cgroupnsMode: refused(null),
  cpuPeriod: refused(null),
  cpuQuota: refused(null),
  deviceCgroupRules: refused(),
  deviceReadBps: refused([]),
  deviceReadIops: refused([]),
  deviceRequests: refused([]),
  deviceWriteBps: refused([]),
  deviceWriteIops: refused([]),
  devices: refused([]),
  domainname: refused(""),
  gpus: refused(null),
  pidMode: refused(null),
  platform: refused("linux"),
  runtime: refused("runc"),
  storageOpts: refused(null, {}),
  sysctls: refused(null, {}),
  uploads: refused([]),
  usernsMode: refused(""),
  volumes: refused([]),
};

/** Outputs that are no inputs. */
export const CONTAINER_OUTPUTS = ["id", "bridge", "containerLogs", "exitCode", "networkDatas"] as const;
