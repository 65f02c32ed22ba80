import pg from "pg";
import { z } from "zod";
import type { DeployedStack } from "../../stack/deployed-stack.ts";

/** Checksums of whole rows, with the time of their last change, by id. */
export type RowHashes = Map<string, { at: string; hash: string }>;

/** What `hashesOf` reads of a row, as pairs of `json_build_object`. */
export const ROW_HASH = "'at', payload->>'updated_at', 'hash', md5(vector::text || payload::text)";

const idSchema = z.uuid();
const rowSchema = z.object({ id: z.string(), at: z.string().nullable(), hash: z.string().nullable() });

/** Whether a text is an id of a memory, and not what somebody has put in the place of one. */
export function isRowId(id: string): boolean {
  return idSchema.safeParse(id).success;
}

/** @throws when a row is not what `ROW_HASH` tells of one */
export function hashesOf(rows: readonly unknown[]): RowHashes {
  const read = rows.map((row) => rowSchema.parse(row));
  return new Map(read.map(({ id, at, hash }) => [id, { at: at ?? "", hash: hash ?? "" }]));
}

/**
 * The same of the live stack's rows of these ids, which came out of a backup: asked by the role that cannot change
 * anything, and bound to the question as values.
 *
 * @param ids all must be ids of memories
 */
export async function liveRows(stack: DeployedStack, ids: readonly string[]): Promise<RowHashes> {
  const client = await stack.reader();
  try {
    const table = pg.escapeIdentifier(stack.manifest.database.collection);
    const text = `SELECT json_build_object('id', id, ${ROW_HASH}) AS row FROM public.${table} WHERE id = ANY($1::uuid[])`;
    const { rows } = await client.query<{ row: unknown }>(text, [ids]);
    return hashesOf(rows.map(({ row }) => row));
  } finally {
    await client.end();
  }
}
