import prettyBytes from "pretty-bytes";

/** An amount of bytes for people, always in binary units: `21.4 MiB`. */
export function byteSize(bytes: number): string {
  return prettyBytes(bytes, { binary: true });
}
