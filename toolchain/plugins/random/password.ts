import {
  type CheckResult,
  type Created,
  type CreateRequest,
  type Difference,
  type DiffRequest,
  type Found,
  failure,
  type Operation,
  type ReadRequest,
  type Resource,
  type Subject,
} from "../protocol/resource.ts";
import { isUnknown, type MarkedProperties, type Properties, Secret, UNKNOWN } from "../protocol/value.ts";
import { checkInputs } from "../schema/check.ts";
import { changesOf } from "../schema/compare.ts";
import { type CharacterClass, generate } from "./generate.ts";
import { PASSWORD } from "./schema.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const NUMERIC = "0123456789";
/** The official plugin's: registry.terraform.io/providers/hashicorp/random, random_password. */
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** bcrypt's cost in the official plugin: golang.org/x/crypto/bcrypt DefaultCost. */
const BCRYPT_COST = 10;

/** Recorded when the program says nothing. The official plugin keeps these out of the inputs. */
const DEFAULTS: Properties = {
  upper: true,
  minUpper: 0,
  lower: true,
  minLower: 0,
  numeric: true,
  minNumeric: 0,
  special: true,
  minSpecial: 0,
};

/** The official plugin gives each password this id, since the id of a resource is not secret. */
const STATE_ID = "none";

export class PasswordResource implements Resource {
  check(_: Subject, given: Properties): CheckResult {
    const { inputs, failures } = checkInputs(PASSWORD, given, "random RandomPassword");
    const wanted = { ...DEFAULTS, ...inputs };
    if (failures.length > 0 || Object.values(wanted).some(isUnknown)) return { inputs, failures };
    try {
      generate(Number(wanted.length), classesOf(wanted));
    } catch (error) {
      failures.push(failure(error instanceof Error ? error.message : String(error)));
    }
    return { inputs, failures };
  }

  diff({ state, inputs }: DiffRequest): Difference {
    const changes = changesOf(PASSWORD, state, { ...DEFAULTS, ...inputs });
    return { changes, deleteBeforeReplace: false };
  }

  async create({ preview }: Operation, { inputs }: CreateRequest): Promise<Created> {
    if (preview) {
      const unknown = { id: UNKNOWN, bcryptHash: new Secret(UNKNOWN), result: new Secret(UNKNOWN) };
      return { id: "", outputs: { ...stateOf(inputs), ...unknown } };
    }
    const wanted = { ...DEFAULTS, ...inputs };
    return {
      id: STATE_ID,
      outputs: await withPassword(inputs, generate(Number(wanted.length), classesOf(wanted))),
    };
  }

  /** A password is imported by itself. */
  async read(_: Operation, { id, known }: ReadRequest): Promise<Found> {
    if (known !== undefined) return { id, outputs: known.state, inputs: known.inputs };
    const inputs = { length: [...id].length };
    return { id: STATE_ID, outputs: await withPassword(inputs, id), inputs };
  }

  async delete(): Promise<void> {}
}

function stateOf(inputs: Properties): Properties {
  const state = { ...DEFAULTS, ...inputs };
  return { ...state, number: state.numeric ?? true };
}

async function withPassword(inputs: Properties, password: string): Promise<MarkedProperties> {
  const { default: bcrypt } = await import("bcryptjs");
  const bcryptHash = await bcrypt.hash(password, BCRYPT_COST);
  return {
    ...stateOf(inputs),
    id: STATE_ID,
    bcryptHash: new Secret(bcryptHash),
    result: new Secret(password),
  };
}

function classesOf(wanted: Properties): CharacterClass[] {
  const special = typeof wanted.overrideSpecial === "string" ? wanted.overrideSpecial : SPECIAL;
  return [
    { characters: LOWER, allowed: wanted.lower === true, least: Number(wanted.minLower) },
    { characters: LOWER.toUpperCase(), allowed: wanted.upper === true, least: Number(wanted.minUpper) },
    { characters: NUMERIC, allowed: wanted.numeric === true, least: Number(wanted.minNumeric) },
    { characters: special, allowed: wanted.special === true, least: Number(wanted.minSpecial) },
  ];
}
