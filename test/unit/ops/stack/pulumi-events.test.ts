import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { describe, expect, it } from "vitest";
import { PulumiNarrator } from "../../../../ops/stack/pulumi-events.ts";

const image = "urn:pulumi:test::mem0::mem0:stack:Images$docker:index/remoteImage:RemoteImage::images-neo4j";
const stackUrn = "urn:pulumi:test::mem0::pulumi:pulumi:Stack::mem0-test";
const component = "urn:pulumi:test::mem0::mem0:stack:Images::images";

function step(kind: "resourcePreEvent" | "resOutputsEvent", urn: string, op: string): EngineEvent {
  return { sequence: 0, timestamp: 0, [kind]: { metadata: { urn, op } } } as unknown as EngineEvent;
}

function diagnostic(severity: string, message: string, urn?: string): EngineEvent {
  return { sequence: 0, timestamp: 0, diagnosticEvent: { severity, message, urn } } as unknown as EngineEvent;
}

function narrate(events: EngineEvent[]) {
  const lines: string[] = [];
  let milliseconds = 0;
  const narrator = new PulumiNarrator(
    (line) => lines.push(line),
    () => {
      milliseconds += 1500;
      return milliseconds;
    },
  );
  for (const event of events) narrator.onEvent(event);
  return { lines, problems: narrator.problems() };
}

describe("what the engine says", () => {
  it("becomes a line at the start and one with the time at the end", () => {
    const { lines } = narrate([
      step("resourcePreEvent", image, "create"),
      step("resOutputsEvent", image, "create"),
    ]);
    expect(lines).toEqual(["images-neo4j: create ...", "images-neo4j: create done in 1.5 s"]);
  });

  it("is silent about components and about what stays the same", () => {
    const { lines } = narrate([
      step("resourcePreEvent", component, "create"),
      step("resourcePreEvent", image, "same"),
      step("resOutputsEvent", image, "same"),
    ]);
    expect(lines).toEqual([]);
  });

  it("keeps errors for the end: once each, named, without colour codes", () => {
    const error = diagnostic("error", "<{%reset%}>build failed\nno space<{%reset%}>\n", image);
    const { lines, problems } = narrate([error, error, diagnostic("error", "update failed")]);
    expect(lines).toEqual([]);
    expect(problems).toEqual(["images-neo4j: build failed\nno space"]);
  });

  it("tells what the program itself refused when no resource failed", () => {
    const { problems } = narrate([diagnostic("error", "1 mistake(s) in settings", stackUrn)]);
    expect(problems).toEqual(["1 mistake(s) in settings"]);
  });

  it("shows the last line of what a provider logs meanwhile", () => {
    const { lines } = narrate([diagnostic("info", "Step 1/9\nStep 2/9 : RUN apt-get update", image)]);
    expect(lines).toEqual(["images-neo4j: Step 2/9 : RUN apt-get update"]);
  });
});
