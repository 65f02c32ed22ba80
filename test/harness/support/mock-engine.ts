import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";

/** A resource as the program registered it, with the options that Pulumi's own mocks do not tell. */
export interface Registered {
  urn: string;
  type: string;
  name: string;
  parent: string;
  inputs: Record<string, unknown>;
  protect: boolean;
  retainOnDelete: boolean;
  deleteBeforeReplace: boolean;
  dependencies: string[];
  ignoreChanges: string[];
  replaceOnChanges: string[];
}

/** The getters of the engine's RegisterResourceRequest that the tests look at. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getDependenciesList(): string[];
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
}

type Reply = (error: unknown, response: { getUrn(): string }) => void;

interface Monitor {
  registerResource(request: RegisterRequest, reply: Reply): Promise<void>;
}

/** Notes every registration that `monitor` answers. */
function record(monitor: Monitor): Registered[] {
  const registered: Registered[] = [];
  const original = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, reply) =>
    original(request, (error, response) => {
      if (error === null) {
        registered.push({
          urn: response.getUrn(),
          type: request.getType(),
          name: request.getName(),
          parent: request.getParent(),
          inputs: request.getObject()?.toJavaScript() ?? {},
          protect: request.getProtect(),
          retainOnDelete: request.getRetainondelete(),
          deleteBeforeReplace: request.getDeletebeforereplace(),
          dependencies: request.getDependenciesList(),
          ignoreChanges: request.getIgnorechangesList(),
          replaceOnChanges: request.getReplaceonchangesList(),
        });
      }
      reply(error, response);
    });
  return registered;
}

/** What the providers answer once a resource exists; at preview none of it is known. */
function computed({ type, name }: MockResourceArgs): Record<string, unknown> {
  switch (type) {
    case "docker:index/remoteImage:RemoteImage":
      return { imageId: `sha256:${name}` };
    case "random:index/randomPassword:RandomPassword":
      return { result: pulumi.secret(`password-of-${name}`) };
    case "random:index/randomId:RandomId":
      return { hex: "00112233445566778899aabbccddeeff" };
    case "command:local:Command":
      return { stdout: "revision-1" };
    default:
      return {};
  }
}

/** Runs `program` against a recording engine and returns all that it registered, parents before children. */
export async function declared(
  program: () => unknown,
  options: { preview?: boolean } = {},
): Promise<Registered[]> {
  const preview = options.preview === true;
  const mocks = {
    newResource: (args: MockResourceArgs) => ({
      id: preview ? undefined : `${args.name}-id`,
      state: preview ? args.inputs : { ...args.inputs, ...computed(args) },
    }),
    call: ({ token }: { token: string }) => {
      throw new Error(`the program called ${token}; it must not ask providers for data`);
    },
  };
  await pulumi.runtime.setMocks(mocks, "mem0", "test", preview);
  const registered = record(pulumi.runtime.getMonitor() as unknown as Monitor);
  program();
  // Waits until every registration has been answered.
  await pulumi.runtime.disconnect();
  return registered;
}

/** What was registered of a type, e.g. `docker:index/container:Container`. */
export function ofType(resources: readonly Registered[], type: string): Registered[] {
  return resources.filter((resource) => resource.type === type);
}

/** What was registered under a name; throws when nothing was. */
export function named(resources: readonly Registered[], name: string): Registered {
  const found = resources.find((resource) => resource.name === name);
  if (found === undefined)
    throw new Error(`no resource ${name} among ${resources.map((r) => r.name).join(", ")}`);
  return found;
}

/** Pulumi wraps a secret on the wire in an object with this signature. */
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** Whether a registered input went over the wire as a secret. */
export function isSecret(input: unknown): boolean {
  return (
    typeof input === "object" &&
    input !== null &&
    Object.values(input as Record<string, unknown>).includes(SECRET_SIGNATURE)
  );
}
