import { keyName } from "./explain.ts";
import type { Manifest } from "./manifest.ts";
import type { Settings } from "./settings.ts";

/**
 * What these settings would break in a stack that is already deployed: stored embeddings can only be compared with
 * those of the same model and dimensions, and data is only found again under the same names.
 *
 * @returns one line per mistake, none when the stack may go on
 */
export function discontinuities(settings: Settings, deployed: Manifest): string[] {
  const place = (store: string) =>
    settings.dataRoot === undefined ? settings.names.volume(store) : `${settings.dataRoot}/${store}`;
  const admin = deployed.observability?.grafana?.adminUser;
  const facts: { key: string[]; now: unknown; was: unknown; why: string }[] = [
    {
      key: ["model", "embedder"],
      now: settings.model.embedder.model,
      was: deployed.model.embedder,
      why: "stored embeddings of another model match nothing",
    },
    {
      key: ["model", "dimensions"],
      now: settings.model.embedder.dimensions,
      was: deployed.model.dimensions,
      why: "stored embeddings have a fixed number of dimensions",
    },
    {
      key: ["memory", "collection"],
      now: settings.memory.collection,
      was: deployed.database.collection,
      why: "the memories are in the table they were written to",
    },
    ...(admin === undefined || settings.grafana !== "container"
      ? []
      : [
          {
            key: ["observability", "grafana", "adminUser"],
            now: settings.observability.grafana.adminUser,
            was: admin,
            why: "Grafana makes its administrator at its first start only",
          },
        ]),
    ...Object.entries(deployed.stores).map(([store, was]) => ({
      key: ["data", "root"],
      now: place(store),
      was,
      why: `the ${store} store would start empty`,
    })),
  ];
  return facts
    .filter(({ now, was }) => now !== was)
    .map(
      ({ key, now, was, why }) =>
        `${keyName(key)}: is ${now}, but this stack was deployed with ${was}: ${why}`,
    );
}
