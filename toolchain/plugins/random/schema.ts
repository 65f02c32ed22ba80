import { flag, integer, map, refused, replaced, type Schema, text } from "../schema/schema.ts";

/** random:index/randomPassword:RandomPassword as the official plugin 4.21 has it. */
export const PASSWORD: Schema = {
  length: replaced(integer(1), { required: true }),
  keepers: replaced(map(text())),
  upper: replaced(flag()),
  minUpper: replaced(integer(0)),
  lower: replaced(flag()),
  minLower: replaced(integer(0)),
  numeric: replaced(flag()),
  minNumeric: replaced(integer(0)),
  special: replaced(flag()),
  minSpecial: replaced(integer(0)),
  overrideSpecial: replaced(text()),
  // The old name of "numeric".
  number: refused(true),
};

/** random:index/randomId:RandomId as the official plugin 4.21 has it. */
export const ID: Schema = {
  byteLength: replaced(integer(1), { required: true }),
  prefix: replaced(text()),
  keepers: replaced(map(text())),
};
