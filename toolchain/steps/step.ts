import type { Way } from "../../ops/stack/machine-file.ts";
import type { RequestedWay, Vendors } from "../ways.ts";

/** The machine and the person's wishes, as all steps see them. */
export interface Host {
  /** Root of the checkout. */
  checkout: string;
  /** Directory of backend, passphrase and logs. */
  stateHome: string;
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  /** Who sets up. */
  user: { uid: number; gid: number; home: string };
  way: RequestedWay;
  vendors: Vendors;
  /** What a person must be told once, at the end of set-up. */
  note(text: string): void;
}

/** What is known of one part of the machine: one row of `./mem0 doctor`. */
export interface Part {
  name: string;
  state: "there" | "missing" | "wrong";
  version?: string;
  /** How it came here, where there is more than one way. */
  way?: Way;
  /** One line: where it is, or what is wrong. */
  detail?: string;
  /** The command that mends it, when something is to mend. */
  mend?: string;
}

/** Tells a person how far a step is. */
export type Report = (line: string) => void;

/**
 * One part of the machine. `inspect` alone judges: set-up believes nothing else after `ensure`, and doctor prints
 * what it says, so the two cannot disagree.
 */
export interface Step {
  name: string;
  /** Changes nothing, throws nothing that a person could have caused, and takes seconds at most. */
  inspect(host: Host): Promise<Part>;
  /** Brings the part about; may be killed at any point and run again. Throws a Problem when it cannot. */
  ensure(host: Host, report: Report): Promise<void>;
}

/** The mend of everything that set-up itself puts right. */
export const SETUP = "./mem0 setup";
