import type { Readable } from "node:stream";

/** One message of Docker's build and pull streams. */
export interface Message {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  error?: string;
}

/** The messages of a stream: one JSON object a line. Ends with the signal's reason when it fires. */
export async function* messagesOf(
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const readable = stream as Readable;
  const stop = () =>
    readable.destroy(signal.reason instanceof Error ? signal.reason : new Error("cancelled"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    let rest = "";
    readable.setEncoding("utf8");
    for await (const chunk of readable) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as Message;
    }
    if (rest.trim() !== "") yield JSON.parse(rest) as Message;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
