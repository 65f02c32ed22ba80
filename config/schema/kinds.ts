import { z } from "zod";

/** What more than one group of settings is made of. */

/** HNSW, pgvector's index for similarity search, takes at most this many dimensions of type `vector`. */
const MAX_INDEXED_DIMENSIONS = 2000;

export const port = z.int().min(1024).max(65535);
export const memoryMb = z.int().min(128).max(262_144);
export const cpus = z.number().min(0.1).max(64);
export const dimensions = z.int().min(1).max(MAX_INDEXED_DIMENSIONS);
export const baseUrl = z.url({ protocol: /^https?$/, error: "a URL that begins with http:// or https://" });
export const modelName = z.string().min(1).max(200);
export const dockerName = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/,
    "a Docker name: letters, digits, `_`, `.`, `-`, at most 63 characters",
  );
/** As the header `Host` has it, without a port. */
export const hostName = z
  .string()
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])$/,
    "a host's name in lower case, or its address (IPv6 in brackets), without a port",
  );
export const hostPath = z.string().regex(/^(\/|~\/).+/, "an absolute path, or one that begins with ~/");
/** A user of the memory. */
export const userName = z
  .string()
  .regex(
    /^(?=.*\S)\P{Cc}{1,128}$/u,
    "a name of 1 to 128 characters, not blank and without control characters",
  );
export const seconds = z.int().min(1).max(3600);
