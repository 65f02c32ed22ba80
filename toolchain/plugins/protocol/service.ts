/**
 * The provider service that the engine calls, over the `Resource` handlers of a plugin.
 *
 * `provider.main` of @pulumi/pulumi/provider serves a handler per plugin, but passes on neither the preview flag, the
 * old inputs and `ignoreChanges`, nor the keys and kinds of a difference, settings, logs or cancelled calls: with it
 * a preview could not say what the official plugins say. So its protocol files are served here directly.
 */
import type {
  handleUnaryCall,
  Server,
  ServerUnaryCall,
  StatusObject,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type {
  CheckRequest,
  ConfigureRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  ReadRequest,
  UpdateRequest,
} from "@pulumi/pulumi/proto/provider_pb.js";
import type { CheckFailure } from "@pulumi/pulumi/provider/provider.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { Engine } from "./engine.ts";
import { any, empty, grpc, plugin, provider as proto, service, status, struct } from "./generated.ts";
import {
  type Change,
  type Difference,
  InitializationFailure,
  type Operation,
  type Plugin,
  type Resource,
  type Subject,
} from "./resource.ts";
import {
  decodeProperties,
  encodeProperties,
  type Json,
  type MarkedProperties,
  markLike,
  revealProperties,
} from "./value.ts";

/** The engine accepts messages up to this size; pulumi/sdk/go/common/util/rpcutil: 400 MB. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

export interface Service {
  server: Server;
  /** Resolves when no operation is under way. */
  idle(): Promise<void>;
}

/** `stop` ends what is under way; the engine's Cancel fires it, and so does the end of the engine. */
export function createService(served: Plugin, engine: Engine, stop: AbortController): Service {
  const underWay = new Set<Promise<unknown>>();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(service.ResourceProviderService, implementation(served, engine, stop, underWay));
  return { server, idle: async () => void (await Promise.allSettled(underWay)) };
}

function implementation(
  served: Plugin,
  engine: Engine,
  stop: AbortController,
  underWay: Set<Promise<unknown>>,
): UntypedServiceImplementation {
  /** Runs a call that may take long, under a signal that ends it, and sends its messages before its answer. */
  async function operate<Result>(
    call: Call,
    preview: boolean,
    run: (resource: Resource, operation: Operation) => Promise<Result>,
  ): Promise<Result> {
    const { resource, subject } = locate(served, call.request.getUrn());
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort());
    const signal = AbortSignal.any([stop.signal, gone.signal]);
    signal.throwIfAborted();
    const running = run(resource, { ...subject, preview, signal, progress: engine.progressOf(subject.urn) });
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
      await engine.flush();
    }
  }

  return {
    getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(served.version)),

    getSchema: unary(() => {
      throw new Error(
        `the stand-in for the ${served.name} plugin has no schema, so no program can be written from it: ` +
          "import with --generate-code=false, or by the resource option `import`",
      );
    }),

    checkConfig: unary(({ request }: ServerUnaryCall<CheckRequest, unknown>) => {
      const settings = decodeStruct(request.getNews());
      return checkResponse(settings, served.checkSettings(revealProperties(settings)));
    }),

    configure: unary(({ request }: ServerUnaryCall<ConfigureRequest, unknown>) => {
      served.configure(revealProperties(decodeStruct(request.getArgs())));
      return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),

    check: unary(({ request }: ServerUnaryCall<CheckRequest, unknown>) => {
      const { resource, subject } = locate(served, request.getUrn());
      const given = decodeStruct(request.getNews());
      const { inputs, failures } = resource.check(subject, revealProperties(given));
      return checkResponse(markLike(inputs, given), failures);
    }),

    diff: unary(({ request }: ServerUnaryCall<DiffRequest, unknown>) => {
      const { resource, subject } = locate(served, request.getUrn());
      const difference = resource.diff({
        ...subject,
        id: request.getId(),
        state: revealProperties(decodeStruct(request.getOlds())),
        inputs: revealProperties(decodeStruct(request.getNews())),
      });
      return diffResponse(withoutIgnored(difference, request.getIgnorechangesList()));
    }),

    create: unary((call: ServerUnaryCall<CreateRequest, unknown>) => {
      const marked = decodeStruct(call.request.getProperties());
      return operate(call, call.request.getPreview(), async (resource, operation) => {
        const request = { inputs: revealProperties(marked), marked };
        const created = await keepingSecrets(marked, () => resource.create(operation, request));
        return new proto.CreateResponse()
          .setId(created.id)
          .setProperties(encodeStruct(markLike(created.outputs, marked)));
      });
    }),

    update: unary((call: ServerUnaryCall<UpdateRequest, unknown>) => {
      const marked = decodeStruct(call.request.getNews());
      const state = revealProperties(decodeStruct(call.request.getOlds()));
      return operate(call, call.request.getPreview(), async (resource, operation) => {
        const request = { id: call.request.getId(), state, inputs: revealProperties(marked), marked };
        const outputs = await keepingSecrets(marked, async () => {
          if (resource.update === undefined) throw new Error("every change of this resource replaces it");
          return resource.update(operation, request);
        });
        return new proto.UpdateResponse().setProperties(encodeStruct(markLike(outputs, marked)));
      });
    }),

    read: unary((call: ServerUnaryCall<ReadRequest, unknown>) => {
      const state = decodeStruct(call.request.getProperties());
      const inputs = decodeStruct(call.request.getInputs());
      const known = { state: revealProperties(state), inputs: revealProperties(inputs) };
      const imported = Object.keys(state).length === 0 && Object.keys(inputs).length === 0;
      return operate(call, false, async (resource, operation) => {
        const id = call.request.getId();
        const found = await resource.read(operation, imported ? { id } : { id, known });
        if (found === undefined) return new proto.ReadResponse();
        return new proto.ReadResponse()
          .setId(found.id)
          .setProperties(encodeStruct(markLike(found.outputs, state)))
          .setInputs(encodeStruct(markLike(found.inputs, inputs)));
      });
    }),

    delete: unary((call: ServerUnaryCall<DeleteRequest, unknown>) => {
      const markedState = decodeStruct(call.request.getProperties());
      return operate(call, false, async (resource, operation) => {
        const id = call.request.getId();
        await resource.delete(operation, { id, state: revealProperties(markedState), markedState });
        return new empty.Empty();
      });
    }),

    cancel: unary(() => {
      stop.abort(new Error("cancelled"));
      return new empty.Empty();
    }),
  };
}

interface Call {
  request: { getUrn(): string };
  on(event: "cancelled", listener: () => void): unknown;
}

function unary<Request, Response>(
  handle: (call: ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await handle(call));
    } catch (error) {
      callback(serviceError(error));
    }
  };
}

/** urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>; a name may hold `::`. */
function locate(served: Plugin, urn: string): { resource: Resource; subject: Subject } {
  const [, , qualifiedType = "", ...name] = urn.split("::");
  const type = qualifiedType.split("$").at(-1) ?? "";
  const resource = Object.hasOwn(served.resources, type) ? served.resources[type] : undefined;
  if (resource === undefined) {
    const known = Object.keys(served.resources).join(", ");
    throw new Error(
      `the stand-in for the ${served.name} plugin does not implement ${type}, only ${known}; ` +
        `the official plugin does: pulumi plugin install resource ${served.name} ${served.version}` +
        (served.server === undefined ? "" : ` --server ${served.server}`),
    );
  }
  return { resource, subject: { urn, name: name.join("::") } };
}

function decodeStruct(value: Struct | undefined): MarkedProperties {
  return value === undefined ? {} : decodeProperties(value.toJavaScript() as { [name: string]: Json });
}

function encodeStruct(properties: MarkedProperties): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(properties));
}

function checkResponse(inputs: MarkedProperties, failures: readonly CheckFailure[]) {
  const list = failures.map(({ property, reason }) =>
    new proto.CheckFailure().setProperty(property).setReason(reason),
  );
  return new proto.CheckResponse().setInputs(encodeStruct(inputs)).setFailuresList(list);
}

/** `ignoreChanges` names properties or paths inside them; differences are told by property, so these are dropped. */
export function withoutIgnored(difference: Difference, ignored: readonly string[]): Difference {
  const names = new Set(ignored);
  return { ...difference, changes: difference.changes.filter((change) => !names.has(change.property)) };
}

function diffResponse(difference: Difference) {
  const { changes } = difference;
  const replacing = changes.filter((change) => change.replace).map((change) => change.property);
  const response = new proto.DiffResponse()
    .setChanges(proto.DiffResponse.DiffChanges[changes.length === 0 ? "DIFF_NONE" : "DIFF_SOME"])
    .setDiffsList(changes.map((change) => change.property))
    .setReplacesList(difference.replaceReasons ?? replacing)
    .setDeletebeforereplace(difference.deleteBeforeReplace && replacing.length > 0)
    .setHasdetaileddiff(true);
  for (const change of changes) {
    response
      .getDetaileddiffMap()
      .set(change.property, new proto.PropertyDiff().setKind(propertyDiffKind(change)));
  }
  return response;
}

function propertyDiffKind({ kind, replace }: Change) {
  const { Kind } = proto.PropertyDiff;
  switch (kind) {
    case "add":
      return replace ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replace ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}

/** What is recorded of a resource that failed to come up keeps its secrets too. */
async function keepingSecrets<Result>(marked: MarkedProperties, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InitializationFailure)) throw error;
    throw new MarkedInitializationFailure(error, markLike(error.outputs, marked));
  }
}

class MarkedInitializationFailure extends Error {
  readonly id: string;
  readonly outputs: MarkedProperties;
  constructor(failure: InitializationFailure, outputs: MarkedProperties) {
    super(failure.message);
    this.id = failure.id;
    this.outputs = outputs;
  }
}

function serviceError(error: unknown): Partial<StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof MarkedInitializationFailure) {
    const detail = new proto.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(encodeStruct(error.outputs))
      .setReasonsList([message]);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const rpcStatus = new status.Status()
      .setCode(grpc.status.UNKNOWN)
      .setMessage(message)
      .setDetailsList([packed]);
    metadata.set("grpc-status-details-bin", Buffer.from(rpcStatus.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}
