import { expect, it } from "vitest";
import { refusal } from "../../../../services/exporter/src/asked.ts";
import { requestsFromElsewhere } from "../../../harness/support/asking.ts";

const HOSTS = ["127.0.0.1", "localhost", "[::1]", "host.docker.internal", "mac.tail1234.ts.net"];

it.each(requestsFromElsewhere(9103))("a request with %j is %s", (headers, wanted) => {
  const refused = refusal({ host: "127.0.0.1:9103", ...headers }, HOSTS);
  expect(refused?.status ?? "answered").toBe(wanted);
});

it("a request without a name is of a program, and is answered", () => {
  expect(refusal({}, HOSTS)).toBeUndefined();
});
