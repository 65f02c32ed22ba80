import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../../../ops/base/problem.ts";
import { Interruption } from "../../../../scripts/cli/interruption.ts";

describe("a signal", () => {
  const leave = vi.fn();
  let interruption: Interruption;
  beforeEach(() => {
    leave.mockReset();
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    interruption = new Interruption(leave);
  });
  afterEach(() => vi.restoreAllMocks());

  it("ends what leaves nothing half done at once, with 130", () => {
    interruption.interrupt();
    expect(leave).toHaveBeenCalledExactlyOnceWith(130);
  });

  it("lets other work end in order, and a second one ends that too", async () => {
    await interruption.inOrder(async () => {
      interruption.interrupt();
      expect(leave).not.toHaveBeenCalled();
      expect(interruption.signal.aborted).toBe(true);
      interruption.interrupt();
    });
    expect(leave).toHaveBeenCalledExactlyOnceWith(130);
  });

  it("makes 130 of the failure of work that it ended", async () => {
    const cut = interruption.inOrder(async () => {
      interruption.interrupt();
      throw new Error("the connection broke");
    });
    await expect(cut).rejects.toMatchObject({ exitCode: 130 });
  });

  it("leaves the reason of a failure that came before it", async () => {
    const failed = interruption.inOrder(() => Promise.reject(new Problem("no")));
    await expect(failed).rejects.toThrow("no");
  });

  it("is found where work may be given up", () => {
    expect(() => interruption.checkpoint()).not.toThrow();
    void interruption.inOrder(async () => interruption.interrupt());
    expect(() => interruption.checkpoint()).toThrow(Problem);
  });
});
