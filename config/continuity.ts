import path from "node:path";
import { keyName } from "./explain.ts";
import type { Manifest } from "./manifest.ts";
import type { Settings } from "./settings.ts";

/**
 * What these settings would break in a stack that is already deployed: stored embeddings can only be compared with
 * those of the same model and dimensions, and data is only found again under the same names.
 *
 * @param respelled stores whose directory is the one that it was, although its path is written otherwise now
 * @returns one line per mistake, none when the stack may go on
 */
export function discontinuities(
  settings: Settings,
  deployed: Manifest,
  respelled: readonly string[] = [],
): string[] {
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
  ];
  return [
    ...facts
      .filter(({ now, was }) => now !== was)
      .map(
        ({ key, now, was, why }) =>
          `${keyName(key)}: is ${now}, but this stack was deployed with ${was}: ${why}`,
      ),
    ...movedData(settings, deployed, respelled),
  ];
}

/** Where `store` lies with these settings: a directory, or the name of a volume. */
export function placeOf({ dataRoot, names }: Pick<Settings, "dataRoot" | "names">, store: string): string {
  return dataRoot === undefined ? names.volume(store) : path.join(dataRoot, store);
}

/** Another place is an empty one. Says which line of the stack file names the place that has the data. */
function movedData(settings: Settings, deployed: Manifest, respelled: readonly string[]): string[] {
  const moved = Object.entries(deployed.stores).filter(
    ([store, was]) => was !== placeOf(settings, store) && !respelled.includes(store),
  );
  const [first] = moved;
  if (first === undefined) return [];
  const [names, place] = [moved.map(([store]) => store).join(", "), first[1]];
  const now = settings.dataRoot === undefined ? "is not set" : `is ${settings.dataRoot}`;
  const file = `Pulumi.${settings.stack}.yaml`;
  const [was, mend] = path.isAbsolute(place)
    ? [
        `lies in directories under ${path.dirname(place)}`,
        `put back into ${file}: "${keyName(["data"])}: { root: ${path.dirname(place)} }"`,
      ]
    : [`lies in named volumes (${place}, ...)`, `take ${keyName(["data", "root"])} out of ${file}`];
  return [
    `${keyName(["data", "root"])}: ${now}, but the data of this stack ${was}; what is in ${names} would not be found ` +
      `and new, empty stores would take its place; ${mend}`,
  ];
}
