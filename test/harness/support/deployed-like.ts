import type { DeployedService } from "../../../ops/stack/deployed-service.ts";

/** A Postgres as a TEST stack deploys it, for throw-away servers without a stack. */
export function deployedLike(image: string): DeployedService {
  return {
    container: "",
    isRunning: false,
    image,
    user: "10001:10001",
    memoryBytes: 512 * 1024 * 1024,
    shmBytes: 256 * 1024 * 1024,
    graceSeconds: 60,
    command: ["-c", "shared_buffers=64MB"],
    env: {},
    store: "",
  };
}
