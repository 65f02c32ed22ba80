import { Throwaway } from "../../docker/throwaway.ts";
import { type DeployedService, deployedService } from "../../stack/deployed-service.ts";
import type { DeployedStack } from "../../stack/deployed-stack.ts";
import type { SwapPlaces } from "./swap.ts";

/** What a restore works on and with. */
export interface RestoreTools {
  stack: DeployedStack;
  /** Version of this tool, for the backup of what is live. */
  toolVersion: string;
  report: (line: string) => void;
  now: () => Date;
  /** Ends the restore as long as the live data has not begun to change places; what has begun is ended. */
  signal?: AbortSignal;
}

/** Gives `work` the stack's places, and containers of its own that are removed when it has ended. */
export async function withPlaces<T>(
  tools: RestoreTools,
  work: (places: SwapPlaces) => Promise<T>,
): Promise<T> {
  const { stack } = tools;
  const { docker, manifest } = stack;
  const service = (name: "postgres" | "neo4j" | "server"): Promise<DeployedService> =>
    deployedService(stack, name);
  const [postgres, neo4j, server] = await Promise.all([
    service("postgres"),
    service("neo4j"),
    service("server"),
  ]);
  const throwaway = await Throwaway.open(docker, manifest, "restore");
  try {
    return await work({
      docker,
      throwaway,
      postgres: {
        docker,
        container: postgres.container,
        stack: stack.name,
        user: manifest.database.user,
        collection: manifest.database.collection,
      },
      database: manifest.database.name,
      postgresService: postgres,
      neo4j,
      server,
    });
  } finally {
    await throwaway.remove();
  }
}
