import { type Agent, get as request } from "node:http";
import { text } from "node:stream/consumers";

/** Answers take a few milliseconds, but who is busy must not pass for dead. */
const TIMEOUT_MS = 2_000;

/**
 * What a service of the stack answers. Not fetch(): its streams and its own parser would cost memory at each scrape, of
 * which the exporter has little.
 *
 * @throws when the answer is no success, or does not come in time
 */
export function textOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { agent, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return resolve(text(response));
      response.resume();
      reject(new Error(`${url} answered ${statusCode}`));
    }).once("error", reject);
  });
}
