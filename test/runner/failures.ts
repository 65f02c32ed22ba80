/** A test that failed, for the end of a run: whoever sees only its last lines is to know what to look for. */
export interface Failure {
  /** File and name of the test. */
  test: string;
  /** The first line of what it said. */
  message: string;
}

interface VitestReport {
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** The failed tests in vitest's JSON report; a file that fails before its first test stands for its tests. */
export function failuresOfVitest(report: string): Failure[] {
  return (JSON.parse(report) as VitestReport).testResults.flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    if (failed.length === 0 && file.status === "failed") return [failure(file.name, file.message)];
    return failed.map((test) => failure(`${file.name}: ${test.fullName}`, test.failureMessages[0]));
  });
}

/** The failed tests in pytest's JUnit report: each is the `testcase` before its `failure` or `error`. */
export function failuresOfPytest(report: string): Failure[] {
  const failed =
    /<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) (?:[^>]*?)message="([^"]*)"/g;
  return [...report.matchAll(failed)].map(([, file = "", name = "", message = ""]) =>
    failure(`${plain(file)}: ${plain(name)}`, plain(message)),
  );
}

export function renderFailure({ test, message }: Failure): string {
  return message === "" ? test : `${test}\n      ${message}`;
}

function failure(test: string, message = ""): Failure {
  return { test, message: message.split("\n", 1)[0]?.trim() ?? "" };
}

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
  "&#10;": "\n",
};

/** Text of an XML attribute as pytest escapes it. */
function plain(attribute: string): string {
  return attribute.replaceAll(/&(?:[a-z]+|#10);/g, (entity) => ENTITIES[entity] ?? entity);
}
