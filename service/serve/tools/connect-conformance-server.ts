/**
 * The server that connectconformance tests: its ConformanceService on our listener and behind our gate, by the
 * descriptors of its own module. It reads one ServerCompatRequest from its input and writes a ServerCompatResponse,
 * each after its length in four bytes. The argument is a FileDescriptorSet of the suite's .proto files.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodClientStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, anyPack, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { openTemporaryFolder } from "@cupel/base";
import { answer, answerMany, createGate, peerValues } from "../src/grpc/admitted-call.ts";
import { createRouterFace } from "../src/grpc/router-face.ts";
import { listen } from "../src/listener/listen.ts";
import { openAdmission } from "../test/support/open-admission.ts";

const [descriptors = ""] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const suite = "connectrpc.conformance.v1";

/** Messages are made from descriptors as the program runs: their shape is what service.proto says, told here. */
interface Header {
  readonly name: string;
  readonly value: readonly string[];
}
interface Failure {
  readonly code: Code;
  readonly message?: string;
  readonly details: readonly Any[];
}
interface Definition {
  readonly responseHeaders: readonly Header[];
  readonly responseTrailers: readonly Header[];
  readonly responseDelayMs: number;
}
interface UnaryDefinition extends Definition {
  readonly response:
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: "error"; readonly value: Failure }
    | { readonly case: undefined };
}
interface StreamDefinition extends Definition {
  readonly responseData: readonly Uint8Array[];
  readonly error?: Failure;
}
interface Request<Kind extends Definition> extends Message {
  readonly responseDefinition?: Kind;
  readonly fullDuplex?: boolean;
}
interface Compat {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly messageReceiveLimit: number;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}

function descriptor(name: string): DescMessage {
  const found = registry.getMessage(`${suite}.${name}`);
  if (!found) throw new Error(`The suite has no message ${name}.`);
  return found;
}
const infoSchema = descriptor("ConformancePayload.RequestInfo");

function requestInfo(
  { requestHeader, timeoutMs }: HandlerContext,
  schema: DescMessage,
  requests: readonly Message[],
) {
  const timeout = timeoutMs();
  return create(infoSchema, {
    requestHeaders: [...requestHeader].map(([name, value]) => ({ name, value: value.split(", ") })),
    ...(timeout === undefined ? {} : { timeoutMs: BigInt(timeout) }),
    requests: requests.map((request) => anyPack(schema, request)),
  });
}

function failureOf({ code, message = "", details }: Failure, info?: Message): ConnectError {
  const error = new ConnectError(message, code);
  error.details = details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  if (info) error.details.push({ type: infoSchema.typeName, value: toBinary(infoSchema, info) });
  return error;
}

function writeHeaders(
  { responseHeader, responseTrailer }: HandlerContext,
  definition: Definition | undefined,
): void {
  for (const { name, value } of definition?.responseHeaders ?? []) {
    for (const each of value) responseHeader.append(name, each);
  }
  for (const { name, value } of definition?.responseTrailers ?? []) {
    for (const each of value) responseTrailer.append(name, each);
  }
}

async function answerOne(
  context: HandlerContext,
  definition: UnaryDefinition | undefined,
  requests: readonly Message[],
): Promise<Record<string, unknown>> {
  writeHeaders(context, definition);
  const info = requestInfo(context, context.method.input, requests);
  await wait(definition?.responseDelayMs ?? 0);
  const response = definition?.response;
  if (response?.case === "error") throw failureOf(response.value, info);
  const data = response?.case === "responseData" ? response.value : new Uint8Array();
  return { payload: { requestInfo: info, data } };
}

/** Every method runs as a call that our gate let in, whatever its name: its kind says what it does. */
async function unary(message: Message, context: HandlerContext) {
  const request: Request<UnaryDefinition> = message;
  return await answer(context, () => answerOne(context, request.responseDefinition, [request]));
}

async function clientStream(messages: AsyncIterable<Message>, context: HandlerContext) {
  return await answer(context, async () => {
    const requests: Request<UnaryDefinition>[] = [];
    for await (const message of messages) requests.push(message);
    return await answerOne(context, requests[0]?.responseDefinition, requests);
  });
}

async function* serverStream(message: Message, context: HandlerContext) {
  const request: Request<StreamDefinition> = message;
  writeHeaders(context, request.responseDefinition);
  const info = requestInfo(context, context.method.input, [request]);
  yield* answerAll(request.responseDefinition, info, 0);
}

async function* bidiStream(messages: AsyncIterable<Message>, context: HandlerContext) {
  const { input } = context.method;
  let first: Request<StreamDefinition> | undefined;
  let read: Message[] = [];
  let sent = 0;
  for await (const message of messages) {
    const request: Request<StreamDefinition> = message;
    read.push(request);
    if (first === undefined) writeHeaders(context, request.responseDefinition);
    first ??= request;
    if (!first.fullDuplex) continue;
    const data = first.responseDefinition?.responseData[sent];
    if (data === undefined) break;
    await wait(first.responseDefinition?.responseDelayMs ?? 0);
    const info =
      sent === 0
        ? requestInfo(context, input, read)
        : create(infoSchema, { requests: read.map((each) => anyPack(input, each)) });
    yield { payload: { data, requestInfo: info } };
    read = [];
    sent++;
  }
  yield* answerAll(first?.responseDefinition, requestInfo(context, input, read), sent);
}

function gated<Asked, Answer>(method: (asked: Asked, context: HandlerContext) => AsyncIterable<Answer>) {
  return (asked: Asked, context: HandlerContext) => answerMany(context, () => method(asked, context));
}

const isUnary = (method: DescMethod): method is DescMethodUnary => method.methodKind === "unary";
const isClientStreaming = (method: DescMethod): method is DescMethodClientStreaming =>
  method.methodKind === "client_streaming";
const isServerStreaming = (method: DescMethod): method is DescMethodServerStreaming =>
  method.methodKind === "server_streaming";
const isBidiStreaming = (method: DescMethod): method is DescMethodBiDiStreaming =>
  method.methodKind === "bidi_streaming";

function addRoutes(router: ConnectRouter): void {
  const service = registry.getService(`${suite}.ConformanceService`);
  if (!service) throw new Error("The suite has no ConformanceService.");
  for (const method of service.methods.filter(({ name }) => name !== "Unimplemented")) {
    if (isUnary(method)) router.rpc(method, unary);
    else if (isClientStreaming(method)) router.rpc(method, clientStream);
    else if (isServerStreaming(method)) router.rpc(method, gated(serverStream));
    else if (isBidiStreaming(method)) router.rpc(method, gated(bidiStream));
  }
}

/** The answers from `sent` on, then the error; information on the request goes with the first of all. */
async function* answerAll(definition: StreamDefinition | undefined, info: Message, sent: number) {
  if (!definition) return;
  let isFirst = sent === 0;
  for (const data of definition.responseData.slice(sent)) {
    await wait(definition.responseDelayMs);
    yield { payload: { data, ...(isFirst ? { requestInfo: info } : {}) } };
    isFirst = false;
  }
  if (definition.error) throw failureOf(definition.error, isFirst ? info : undefined);
}

async function readInput(): Promise<Compat> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) continue;
    const message: unknown = fromBinary(descriptor("ServerCompatRequest"), bytes.subarray(4));
    return message as Compat;
  }
  throw new Error("The input ended before the request was whole.");
}

const asked = await readInput();
await using folder = await openTemporaryFolder("conformance");
const path = (name: string) => join(folder.path, name);
const hasClientCertificate = asked.clientTlsCert.length > 0;
if (asked.serverCreds) {
  await writeFile(path("cert.pem"), asked.serverCreds.cert);
  await writeFile(path("key.pem"), asked.serverCreds.key);
  await writeFile(path("client.pem"), asked.clientTlsCert);
}
await using face = createRouterFace({
  routes: addRoutes,
  bodyLimit: asked.messageReceiveLimit || 2 ** 22,
  protocols: ["grpc-web", "connect"],
  router: { requestGate: createGate(openAdmission, () => "infer"), jsonOptions: { registry } },
  contextValues: peerValues,
  failed: console.error,
});
await using listener = await listen({
  faces: [face],
  port: 0,
  tls: asked.useTls
    ? {
        certificate: path("cert.pem"),
        key: path("key.pem"),
        clientAuthority: hasClientCertificate ? path("client.pem") : undefined,
      }
    : undefined,
  onError: console.error,
});
const responseSchema = descriptor("ServerCompatResponse");
const response = toBinary(
  responseSchema,
  create(responseSchema, {
    host: listener.host,
    port: listener.port,
    pemCert: asked.serverCreds?.cert ?? new Uint8Array(),
  }),
);
const length = Buffer.alloc(4);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));
await once(process, "SIGTERM");
