import type { Message } from "./message-stream.ts";

const KEPT_LINES = 30;

/** Follows the messages of a build: what step it is at, and the last lines of that step. */
export class BuildLog {
  #step = "";
  #lines: string[] = [];
  #rest = "";

  /** @returns a line to show, if the message completed one */
  add(message: Message): string | undefined {
    if (message.status !== undefined)
      return [message.id, message.status, message.progress].filter(Boolean).join(" ");
    const lines = (this.#rest + (message.stream ?? "")).split("\n");
    this.#rest = lines.pop() ?? "";
    let shown: string | undefined;
    for (const line of lines.map(withoutControls).filter((line) => line !== "")) {
      if (line.startsWith("Step ")) {
        this.#step = line;
        this.#lines = [];
        shown = line;
      } else {
        this.#lines = [...this.#lines.slice(1 - KEPT_LINES), line];
        shown = `${stepNumber(this.#step)}${line}`;
      }
    }
    return shown;
  }

  /** What a person needs to see of a build that failed with `error`. */
  failure(error: string): string {
    return [this.#step, ...this.#lines, error].filter((line) => line !== "").join("\n");
  }
}

/** `Step 3/12 : RUN make` gives `[3/12] `. */
function stepNumber(step: string): string {
  const number = /^Step (\d+\/\d+)/.exec(step)?.[1];
  return number === undefined ? "" : `[${number}] `;
}

/** Without colours and other terminal controls; of a line drawn over itself the last state. */
function withoutControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to drop
  return (line.trimEnd().split("\r").at(-1) ?? "").replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").trimEnd();
}
