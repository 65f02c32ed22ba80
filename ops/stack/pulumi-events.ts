import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";

/** Tells a person how far the work is. A passing line only matters until the next one. */
export type Report = (line: string, passing?: boolean) => void;

type Diagnostic = NonNullable<EngineEvent["diagnosticEvent"]>;

/** What Pulumi says, in lines for a person; keeps the errors for the end. */
export class PulumiNarrator {
  private readonly started = new Map<string, number>();
  private readonly resourceErrors: string[] = [];
  private readonly otherErrors: string[] = [];
  private readonly report: Report;
  private readonly now: () => number;

  /**
   * @param report gets one line per event worth showing
   * @param now milliseconds; passed in so that tests own the clock
   */
  constructor(report: Report, now: () => number = Date.now) {
    this.report = report;
    this.now = now;
  }

  readonly onEvent = (event: EngineEvent): void => {
    const { resourcePreEvent, resOutputsEvent, diagnosticEvent } = event;
    if (resourcePreEvent !== undefined) this.begin(resourcePreEvent.metadata);
    if (resOutputsEvent !== undefined) this.end(resOutputsEvent.metadata);
    if (diagnosticEvent !== undefined) this.diagnose(diagnosticEvent);
  };

  /**
   * Errors reported so far, each once, without colour codes. What Pulumi and the program say when a resource has
   * failed only repeats it, in more words.
   */
  problems(): string[] {
    const errors = this.resourceErrors.length > 0 ? this.resourceErrors : this.otherErrors;
    return [...new Set(errors)];
  }

  private begin({ urn, op }: { urn: string; op: string }): void {
    if (QUIET.has(op) || isComponent(urn)) return;
    this.started.set(urn, this.now());
    this.report(`${resourceName(urn)}: ${op} ...`);
  }

  private end({ urn, op }: { urn: string; op: string }): void {
    const started = this.started.get(urn);
    if (started === undefined) return;
    this.started.delete(urn);
    this.report(`${resourceName(urn)}: ${op} done in ${((this.now() - started) / 1000).toFixed(1)} s`);
  }

  private diagnose({ urn, message, severity, ephemeral }: Diagnostic): void {
    const text = plain(message);
    if (text === "") return;
    if (severity === "error") {
      if (urn === undefined || urn === "" || urnType(urn) === STACK_TYPE) this.otherErrors.push(text);
      else this.resourceErrors.push(`${resourceName(urn)}: ${text}`);
    } else if (severity === "info" || severity === "warning") {
      const line = urn === undefined || urn === "" ? text : `${resourceName(urn)}: ${lastLine(text)}`;
      this.report(line, ephemeral);
    }
  }
}

/** The stack itself is a resource too: what the program throws is reported on it. */
const STACK_TYPE = "pulumi:pulumi:Stack";

/** Steps that say nothing to a person: nothing changes, or half of a replacement told by its other half. */
const QUIET = new Set([
  "same",
  "read",
  "refresh",
  "replace",
  "delete-replaced",
  "discard-replaced",
  "remove-pending-replace",
]);

function isComponent(urn: string): boolean {
  return urnType(urn).startsWith("mem0:") || urnType(urn).startsWith("pulumi:");
}

/** Type of the resource itself: the last of the types that a URN lists from the outside in. */
function urnType(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function resourceName(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** Pulumi marks colours as `<{%name%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
}

function lastLine(text: string): string {
  return text.split("\n").at(-1) ?? text;
}
