import type { CheckFailure } from "@pulumi/pulumi/provider/provider.js";
import type { MarkedProperties, Properties } from "./value.ts";

/** Tells the user what is going on, beside the resource it concerns. */
export interface Progress {
  /** Replaces the previous status; shown while the operation runs. */
  status(message: string): void;
  /** A line that stays. */
  info(message: string): void;
  warn(message: string): void;
}

/** What every call about one resource carries. */
export interface Subject {
  readonly urn: string;
  /** The resource's name in the program. */
  readonly name: string;
}

/** A call that may act on the world, and stops when `signal` fires. */
export interface Operation extends Subject {
  readonly preview: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface CheckResult {
  /** The inputs with defaults, as they are recorded. */
  inputs: Properties;
  failures: CheckFailure[];
}

export interface Change {
  property: string;
  kind: "add" | "delete" | "update";
  replace: boolean;
}

export interface Difference {
  changes: Change[];
  /**
   * The properties that are named as the reason of a replacement. Without it those changes that replace; the
   * official command plugin replaces without naming a reason.
   */
  replaceReasons?: string[];
  deleteBeforeReplace: boolean;
}

export interface Created {
  /** Unknown in a preview. */
  id: string;
  outputs: MarkedProperties;
}

export interface Found {
  id: string;
  outputs: MarkedProperties;
  inputs: MarkedProperties;
}

export interface DiffRequest extends Subject {
  id: string;
  /** The outputs in the state. */
  state: Properties;
  inputs: Properties;
}

export interface CreateRequest {
  inputs: Properties;
  /** The inputs with their secret marks, for a resource whose outputs tell more than its inputs. */
  marked: MarkedProperties;
}

export interface UpdateRequest extends CreateRequest {
  id: string;
  state: Properties;
}

export interface ReadRequest {
  id: string;
  /** Undefined for an import: there is nothing but the id. */
  known?: { state: Properties; inputs: Properties };
}

export interface DeleteRequest {
  id: string;
  state: Properties;
  markedState: MarkedProperties;
}

/** One resource type. The service keeps secrets secret (`markLike`) around these calls. */
export interface Resource {
  check(subject: Subject, inputs: Properties): CheckResult;
  diff(request: DiffRequest): Difference;
  create(operation: Operation, request: CreateRequest): Promise<Created>;
  /** Left out where every change replaces. */
  update?(operation: Operation, request: UpdateRequest): Promise<MarkedProperties>;
  /** Undefined: the resource is gone. */
  read(operation: Operation, request: ReadRequest): Promise<Found | undefined>;
  delete(operation: Operation, request: DeleteRequest): Promise<void>;
}

/** A plugin: its resources by type token, and what it takes as provider settings. */
export interface Plugin {
  name: string;
  version: string;
  /** Where Pulumi gets the official plugin, when that is not its usual place. */
  server?: string;
  resources: Readonly<Record<string, Resource>>;
  /** Reports every setting it does not take. */
  checkSettings(settings: Properties): CheckFailure[];
  configure(settings: Properties): void;
}

/** The resource exists but did not come up: it goes to the state with the reason, and the next `up` deals with it. */
export class InitializationFailure extends Error {
  readonly id: string;
  readonly outputs: Properties;
  constructor(id: string, outputs: Properties, reason: string) {
    super(reason);
    this.name = "InitializationFailure";
    this.id = id;
    this.outputs = outputs;
  }
}

/** A `CheckFailure` that names the property in its text, so that the engine does not print the property's value. */
export function failure(reason: string): CheckFailure {
  return { property: "", reason };
}
