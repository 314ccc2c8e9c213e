/**
 * The client that connectconformance tests: the transports of connect-es, which clients of ours are made of. It reads
 * ClientCompatRequests from its input and writes a ClientCompatResponse for each, both after their length in four
 * bytes. The argument is a FileDescriptorSet of the suite's .proto files.
 */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, anyUnpack, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";

const [descriptors = ""] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const suite = "connectrpc.conformance.v1";

/** As client_compat.proto says; numbers are those of the enums in config.proto. */
interface Asked {
  readonly testName: string;
  readonly httpVersion: number;
  readonly protocol: number;
  readonly codec: number;
  readonly compression: number;
  readonly host: string;
  readonly port: number;
  readonly serverTlsCert: Uint8Array;
  readonly clientTlsCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
  readonly messageReceiveLimit: number;
  readonly service?: string;
  readonly method?: string;
  readonly streamType: number;
  readonly useGetHttpMethod: boolean;
  readonly requestHeaders: readonly { readonly name: string; readonly value: readonly string[] }[];
  readonly requestMessages: readonly Any[];
  readonly timeoutMs?: number;
  readonly requestDelayMs: number;
  readonly cancel?: {
    readonly cancelTiming:
      | { readonly case: "beforeCloseSend"; readonly value: object }
      | { readonly case: "afterCloseSendMs" | "afterNumResponses"; readonly value: number }
      | { readonly case: undefined };
  };
}

/** ClientResponseResult, as it comes to be. */
interface Result {
  responseHeaders: readonly WrittenHeader[];
  responseTrailers: readonly WrittenHeader[];
  readonly payloads: unknown[];
  error?: object;
  numUnsentRequests: number;
}
interface WrittenHeader {
  readonly name: string;
  readonly value: readonly string[];
}

const fullDuplex = 5;
const compressions = new Map([
  [2, compressionGzip],
  [3, compressionBrotli],
]);

function message(name: string): DescMessage {
  const found = registry.getMessage(`${suite}.${name}`);
  if (!found) throw new Error(`The suite has no message ${name}.`);
  return found;
}

function methodOf({ service = `${suite}.ConformanceService`, method = "" }: Asked): DescMethod {
  const found = registry.getService(service)?.methods.find(({ name }) => name === method);
  if (!found) throw new Error(`The suite has no method ${service}/${method}.`);
  return found;
}

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary";
const isStream = (method: DescMethod): method is DescMethodStreaming => method.methodKind !== "unary";

function transportOf(asked: Asked): { readonly transport: Transport; close(): void } {
  const isSecure = asked.serverTlsCert.length > 0;
  const { cert, key } = asked.clientTlsCreds ?? {};
  const nodeOptions = isSecure
    ? {
        ca: Buffer.from(asked.serverTlsCert),
        ...(cert && key ? { cert: Buffer.from(cert), key: Buffer.from(key) } : {}),
      }
    : {};
  const baseUrl = `${isSecure ? "https" : "http"}://${asked.host}:${asked.port}`;
  const sessionManager = new Http2SessionManager(baseUrl, undefined, nodeOptions);
  const sendCompression = compressions.get(asked.compression);
  const common = {
    baseUrl,
    useBinaryFormat: asked.codec === 1,
    jsonOptions: { registry },
    acceptCompression: [...compressions.values()],
    // Empty messages too: the library compresses what is longer.
    ...(sendCompression === undefined ? {} : { sendCompression, compressMinBytes: -1 }),
    ...(asked.messageReceiveLimit > 0 ? { readMaxBytes: asked.messageReceiveLimit } : {}),
    useHttpGet: asked.useGetHttpMethod,
  };
  const close = () => sessionManager.abort();
  if (asked.protocol === 2) return { transport: createGrpcTransport({ ...common, sessionManager }), close };
  const make = asked.protocol === 1 ? createConnectTransport : createGrpcWebTransport;
  const transport =
    asked.httpVersion === 1
      ? make({ ...common, httpVersion: "1.1", nodeOptions: { ...nodeOptions, agent: false } })
      : make({ ...common, httpVersion: "2", sessionManager });
  return { transport, close };
}

function written(headers: Headers): WrittenHeader[] {
  return [...headers].map(([name, value]) => ({ name, value: value.split(/, */) }));
}

async function call(asked: Asked): Promise<Result> {
  const result: Result = {
    responseHeaders: [],
    responseTrailers: [],
    payloads: [],
    numUnsentRequests: 0,
  };
  const { transport, close } = transportOf(asked);
  const method = methodOf(asked);
  const header = new Headers();
  for (const { name, value } of asked.requestHeaders) for (const each of value) header.append(name, each);
  const requests = asked.requestMessages.map((any) => {
    const request = anyUnpack(any, registry);
    if (!request) throw new Error(`The suite has no message ${any.typeUrl}.`);
    return request;
  });
  try {
    if (isUnary(method)) await callOnce(transport, method, header, requests, asked, result);
    else if (isStream(method)) await callStream(transport, method, header, requests, asked, result);
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (method.methodKind === "client_streaming") result.payloads.length = 0;
    // What came with an error is one: the client cannot tell headers from trailers any more.
    if (result.responseHeaders.length === 0) result.responseHeaders = written(error.metadata);
    result.responseTrailers = written(error.metadata);
    result.error = {
      code: error.code,
      message: error.rawMessage,
      details: error.details.flatMap((detail) =>
        "type" in detail ? [{ typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }] : [],
      ),
    };
  } finally {
    close();
  }
  return result;
}

async function callOnce(
  transport: Transport,
  method: DescMethodUnary,
  header: Headers,
  [request]: readonly Message[],
  asked: Asked,
  result: Result,
): Promise<void> {
  const leaving = new AbortController();
  const cancel = asked.cancel?.cancelTiming;
  await wait(asked.requestDelayMs);
  const { signal } = leaving;
  const init = request as MessageInitShape<DescMessage>;
  const answering = transport.unary(method, signal, asked.timeoutMs, header, init);
  if (cancel?.case === "afterCloseSendMs") setTimeout(() => leaving.abort(), cancel.value);
  const answer = await answering;
  result.responseHeaders = written(answer.header);
  result.payloads.push(payloadOf(answer.message));
  result.responseTrailers = written(answer.trailer);
}

async function callStream(
  transport: Transport,
  method: DescMethodStreaming,
  header: Headers,
  requests: readonly Message[],
  asked: Asked,
  result: Result,
): Promise<void> {
  const leaving = new AbortController();
  const { signal } = leaving;
  const cancel = asked.cancel?.cancelTiming;
  const isFull = asked.streamType === fullDuplex;
  const input = createWritableIterable<Message>();
  const calling = transport.stream(method, signal, asked.timeoutMs, header, input as AsyncIterable<never>);
  calling.catch(() => {});
  let answers: AsyncIterator<Message> | null = null;
  const open = async () => {
    if (answers) return answers;
    const answer = await calling;
    result.responseHeaders = written(answer.header);
    const opened: AsyncIterable<Message> = answer.message;
    answers = opened[Symbol.asyncIterator]();
    return answers;
  };
  const read = async (): Promise<boolean> => {
    const next = await (await open()).next();
    if (next.done) return false;
    result.payloads.push(payloadOf(next.value));
    if (cancel?.case === "afterNumResponses" && result.payloads.length === cancel.value) leaving.abort();
    return true;
  };
  result.numUnsentRequests = requests.length;
  for (const request of requests) {
    await wait(asked.requestDelayMs);
    // The call may be over; what it ended with is read below.
    const isSent = await input.write(request).then(
      () => true,
      () => false,
    );
    if (!isSent) break;
    result.numUnsentRequests--;
    if (isFull && !(await read())) break;
  }
  if (cancel?.case === "beforeCloseSend") leaving.abort();
  input.close();
  if (cancel?.case === "afterCloseSendMs") setTimeout(() => leaving.abort(), cancel.value);
  if (cancel?.case === "afterNumResponses" && cancel.value === 0) leaving.abort();
  while (await read());
  result.responseTrailers = written((await calling).trailer);
  if (method.methodKind === "client_streaming" && result.payloads.length !== 1) {
    // As the library's clients have it, whose method returns one message.
    const what = result.payloads.length === 0 ? "missing output message" : "received extra output message";
    result.payloads.length = 0;
    throw new ConnectError(`protocol error: ${what} for client-streaming method`, Code.Unimplemented);
  }
}

/** Every answer of the suite's has one. */
function payloadOf(answer: object): unknown {
  return "payload" in answer ? answer.payload : undefined;
}

const requestSchema = message("ClientCompatRequest");
const responseSchema = message("ClientCompatResponse");

async function answer(asked: Asked): Promise<void> {
  const { testName } = asked;
  const result = await call(asked).then(
    (value) => ({ case: "response", value }),
    (thrown: unknown) => ({ case: "error", value: { message: String(thrown) } }),
  );
  const bytes = toBinary(responseSchema, create(responseSchema, { testName, result } as never));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  process.stdout.write(Buffer.concat([length, bytes]));
}

/** Calls at once: deadlines of a few hundred ms are among them. */
const mostCalls = 4;
const calls = new Set<Promise<void>>();

let pending = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
    const end = 4 + pending.readUInt32BE(0);
    const asked: unknown = fromBinary(requestSchema, pending.subarray(4, end));
    pending = pending.subarray(end);
    const answering: Promise<void> = answer(asked as Asked).finally(() => calls.delete(answering));
    calls.add(answering);
    if (calls.size === mostCalls) await Promise.race(calls);
  }
}
