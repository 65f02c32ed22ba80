import { randomBytes } from "node:crypto";
import type {
  CheckResult,
  Created,
  CreateRequest,
  Difference,
  DiffRequest,
  Found,
  Operation,
  ReadRequest,
  Resource,
  Subject,
} from "../protocol/resource.ts";
import { type Properties, UNKNOWN } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { ID } from "./schema.ts";

const OUTPUTS = ["id", "b64Std", "b64Url", "dec", "hex"] as const;

export class IdResource implements Resource {
  check(_: Subject, inputs: Properties): CheckResult {
    return checkInputs(ID, inputs, "random RandomId");
  }

  diff({ state, inputs }: DiffRequest): Difference {
    return { changes: changesOf(ID, state, inputs), deleteBeforeReplace: false };
  }

  async create({ preview }: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (preview) {
      const unknown = Object.fromEntries(OUTPUTS.map((name) => [name, UNKNOWN]));
      return { id: "", outputs: { ...inputs, ...unknown } };
    }
    const bytes = randomBytes(Number(inputs.byteLength));
    return { id: bytes.toString("base64url"), outputs: { ...inputs, ...spellings(bytes, prefixOf(inputs)) } };
  }

  /** Imported as `[prefix,]base64url`; a prefix may hold commas itself. */
  async read(_: Operation, { id, known }: ReadRequest): Promise<Found> {
    if (known !== undefined) return { id, outputs: known.state, inputs: known.inputs };
    const comma = id.lastIndexOf(",");
    const bytes = Buffer.from(id.slice(comma + 1), "base64url");
    const inputs = { byteLength: bytes.length, ...(comma < 0 ? {} : { prefix: id.slice(0, comma) }) };
    const outputs = { ...inputs, ...spellings(bytes, prefixOf(inputs)) };
    return { id: bytes.toString("base64url"), outputs, inputs };
  }

  async delete(): Promise<void> {}
}

function prefixOf(inputs: Properties): string {
  return typeof inputs.prefix === "string" ? inputs.prefix : "";
}

/** The bytes in the notations of the official plugin; `dec` is the big-endian number. */
export function spellings(bytes: Buffer, prefix: string): Properties {
  return {
    id: bytes.toString("base64url"),
    b64Std: prefix + bytes.toString("base64"),
    b64Url: prefix + bytes.toString("base64url"),
    dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(10),
    hex: prefix + bytes.toString("hex"),
  };
}
