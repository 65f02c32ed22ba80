import { counting } from "../format/byte-meter.ts";
import type { OpenPart } from "../format/part.ts";
import type { OnBytes } from "../format/part-files.ts";
import { through } from "../format/streams.ts";
import type { GraphParts } from "../stores/store.ts";
import type { Restorable } from "./restorable.ts";

/** The same backup, which tells of every piece that is read from it; bytes are those of the files, decrypted. */
export function metered(backup: Restorable, onBytes: OnBytes = () => {}): Restorable {
  const part = <Kind extends OpenPart>(one: Kind): Kind => ({ ...one, ...meteredPart(one, onBytes) });
  const { postgres, files, graph, history } = backup;
  return {
    ...backup,
    postgres:
      postgres === undefined
        ? undefined
        : { ...part(postgres), ...(postgres.rows === undefined ? {} : { rows: part(postgres.rows) }) },
    files: files === undefined ? undefined : { files: part(files.files), log: part(files.log) },
    graph: graph === undefined ? undefined : meteredGraph(graph, onBytes),
    history: history === undefined ? undefined : part(history),
  };
}

function meteredGraph(graph: GraphParts, onBytes: OnBytes): GraphParts {
  switch (graph.kind) {
    case "dumps":
      return { ...graph, parts: graph.parts.map((part) => meteredPart(part, onBytes)) };
    case "lines":
      return { ...graph, part: meteredPart(graph.part, onBytes) };
    case "files":
      return { ...graph, open: () => through(graph.open(), counting(graph.file, onBytes)) };
  }
}

function meteredPart({ part, open }: OpenPart, onBytes: OnBytes): OpenPart {
  return { part, open: () => through(open(), counting(part.file, onBytes)) };
}
