/** How much an alert matters; the guide's `INFO` among them. */
export type Level = "CRITICAL" | "WARNING" | "INFO";

/** Something that is to be told, whoever found it. */
export interface Finding {
  /** Name of the alert: one of the operations guide's, of health's, or of a rule of Prometheus. */
  type: string;
  source: "health" | "prometheus" | "verb";
  level: Level;
  text: string;
  mend?: string | undefined;
}

/** What is kept of a type of alert. Times are milliseconds since 1970. */
export interface TypeState {
  /** Looks in a row that found it, and that did not, since the last of the other kind. */
  failures: number;
  successes: number;
  /** While it is open: since when, and the channels that it was given to. */
  open?: { since: number; given: string[] } | undefined;
  /** When it was last put into the queue. */
  queuedAt?: number | undefined;
  /** When somebody last heard of it: the cooldown counts from here. */
  toldAt?: number | undefined;
}

export interface Message {
  id: number;
  channel: string;
  /** When it was written; it may be sent much later. */
  at: number;
  kind: "alert" | "reminder" | "recovery" | "event";
  items: Finding[];
}

/** A time in which alerts of a type, or of all, are not opened and not told. */
export interface Silence {
  /** All when left out. */
  type?: string | undefined;
  until: number;
  /** Who declared it: a person, or a verb that takes something away on purpose. */
  by: string;
}

export interface AlertsState {
  types: Record<string, TypeState>;
  silences: Silence[];
  /** What has not been sent yet, the oldest first. */
  queue: Message[];
  nextId: number;
}

export const NOTHING_YET: AlertsState = { types: {}, silences: [], queue: [], nextId: 1 };

/** How alerts are told. Times in milliseconds. */
export interface Policy {
  /** Between two messages about one type. */
  cooldown: number;
  /** Until an alert that is still open is told again. */
  remind: number;
  /** Looks in a row that open an alert, and that close it. */
  openAfter: number;
  closeAfter: number;
  channels: readonly { name: string; takes: (finding: Finding) => boolean }[];
}
