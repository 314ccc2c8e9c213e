/**
 * The methods of a router as a face: what the listener hands over goes through connect's handlers, which speak gRPC,
 * gRPC-Web and Connect, each in the form of its protocol.
 */
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type ContextValues,
  createConnectRouter,
} from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { CupelError } from "@cupel/base";
import { bodyBytes } from "../connect/body-bytes.ts";
import { forms } from "../connect/forms.ts";
import { bareType, type Protocol, protocolOf } from "../connect/protocol.ts";
import type { ErrorNaming } from "../connect/protocol-form.ts";
import type { Face, FaceRequest, FaceResponse } from "../core/face.ts";
import { pathOf, unknownRoute } from "../core/path-of.ts";
import { refuse, sendAnswer } from "../core/send-answer.ts";
import { serveErrors } from "../errors.ts";
import { boundTimeout } from "./bounded-timeout.ts";
import { messageCompressions } from "./message-compressions.ts";

export interface RouterFaceOptions {
  routes(router: ConnectRouter): void;
  /** Beside gRPC. */
  readonly protocols: readonly Protocol[];
  readonly router: Pick<ConnectRouterOptions, "requestGate" | "jsonOptions">;
  /** Bytes of a message, after decompression. */
  readonly bodyLimit: number;
  /** Of errors that no method of ours threw. Default: they are told as the library says them. */
  readonly naming?: ErrorNaming | undefined;
  contextValues?(request: FaceRequest): ContextValues;
  /** Told of an answer that could not be written though its client is there: a defect. */
  failed(error: unknown): void;
  stop?(): void;
}

export function createRouterFace(options: RouterFaceOptions): Face {
  const { bodyLimit, naming = () => null, contextValues, failed, stop } = options;
  const spoken: ReadonlySet<Protocol> = new Set([...options.protocols, "grpc"]);
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: spoken.has("grpc-web"),
    connect: spoken.has("connect"),
    acceptCompression: [...messageCompressions],
    readMaxBytes: bodyLimit,
    ...options.router,
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const services = new Set(router.handlers.map(({ service }) => service.typeName));
  const handlerOf = (request: FaceRequest): UniversalHandler | undefined => handlers.get(pathOf(request));
  const isOfService = (request: FaceRequest): boolean => services.has(pathOf(request).split("/", 2)[1] ?? "");
  /** Null where it is none that is spoken here. */
  const spokenOf = (request: FaceRequest): Protocol | null => {
    const protocol = protocolOf(request) ?? "connect";
    return spoken.has(protocol) ? protocol : null;
  };

  const answer = async (handler: UniversalHandler, request: FaceRequest, response: FaceResponse) => {
    // What was sent of a refused message is dropped: a stream with unread bytes never closes.
    if ("stream" in response) response.stream.once("finish", () => request.resume());
    try {
      const asked = read(request, response, contextValues?.(request));
      const form = forms[spokenOf(request) ?? "grpc"];
      await write(await form.answer(handler, asked, naming), handler, request, response);
    } catch (thrown) {
      const { code } = ConnectError.from(thrown);
      const hasLeft = code === Code.Aborted || code === Code.Canceled || response.destroyed;
      if (!hasLeft) failed(thrown);
      response.destroy();
    }
  };
  const refuseUnknown = async (request: FaceRequest, response: FaceResponse) => {
    const protocol = spokenOf(request);
    const path = pathOf(request);
    if (protocol === null) {
      refuse(unknownRoute(path), request, response);
      return;
    }
    const unnamed = new ConnectError(
      `The server has no method "${path}". Reflection lists those it has.`,
      Code.Unimplemented,
    );
    const told = forms[protocol].refuse(naming(unnamed) ?? unnamed, typeOf(request));
    if (told.body === undefined && request.httpVersionMajor > 1) {
      // Nothing but headers: what follows them would be a body to gRPC.
      response.statusCode = told.status;
      for (const [name, value] of told.header ?? []) response.setHeader(name, value);
      response.end();
    } else sendAnswer(await whole(told), request, response);
  };
  return {
    // A method called with another content type is told so here, and so is one that a service of ours has not.
    takes: (request) => {
      const protocol = protocolOf(request);
      return (protocol !== null && spoken.has(protocol)) || isOfService(request);
    },
    streams: (request) => handlerOf(request)?.method.methodKind !== "unary",
    handle(request, response) {
      const handler = handlerOf(request);
      if (!URL.canParse(`http://${authorityOf(request)}`)) {
        refuse(serveErrors.error("REQUEST_INVALID", "The request's host cannot be one."), request, response);
      } else if (handler) void answer(handler, request, response);
      else void refuseUnknown(request, response);
    },
    ...(stop === undefined ? {} : { stop }),
    async [Symbol.asyncDispose]() {
      stop?.();
    },
  };
}

function typeOf({ headers }: FaceRequest): string {
  return bareType(headers["content-type"] ?? "");
}

function authorityOf(request: FaceRequest): string {
  return ("authority" in request ? request.authority : request.headers.host) ?? "";
}

/** Of each pair: how a message is compressed, and how the answer may be. */
const compressions = [
  ["grpc-encoding", "grpc-accept-encoding"],
  ["connect-content-encoding", "connect-accept-encoding"],
  ["content-encoding", "accept-encoding"],
] as const;

function read(
  request: FaceRequest,
  response: FaceResponse,
  values: ContextValues | undefined,
): UniversalServerRequest {
  const asked = universalRequestFromNodeRequest(request, response, undefined, values);
  const { header } = asked;
  if (header.has("content-type")) header.set("content-type", typeOf(request));
  boundTimeout(header);
  // Every client accepts some, few ask for it: who compresses is answered compressed.
  for (const [sent, accepted] of compressions) if (!header.has(sent)) header.delete(accepted);
  return asked;
}

async function write(
  told: UniversalServerResponse,
  handler: UniversalHandler,
  request: FaceRequest,
  response: FaceResponse,
): Promise<void> {
  const refusal = told.body === undefined ? bareRefusal(told.status, handler) : null;
  if (refusal !== null) {
    // What sends a stream both ways over HTTP/1.1 may wait for ever on the same connection.
    if (told.status === 505 && request.httpVersionMajor === 1) response.setHeader("connection", "close");
    refuse(refusal, request, response);
    return;
  }
  // Over HTTP/1.1 no method answers before its request is read: what does is a refusal, and short.
  if (request.httpVersionMajor === 1 && !request.complete && told.trailer === undefined) {
    const all = await whole(told);
    // Whoever began to read it may hold on to it: the rest of it would stand still, and with it the connection.
    request.removeAllListeners("readable");
    sendAnswer(all, request, response);
    request.resume();
  } else await universalResponseToNodeResponse(told, response);
}

async function whole({ status, header = new Headers(), body }: UniversalServerResponse) {
  const bytes = body === undefined ? undefined : await bodyBytes(body);
  return { status, headers: Object.fromEntries(header), body: bytes };
}

/** What the library says with a status alone. */
function bareRefusal(status: number, { allowedMethods, protocolNames }: UniversalHandler): CupelError | null {
  switch (status) {
    case 405:
      return serveErrors.error(
        "METHOD_NOT_ALLOWED",
        `The method takes ${allowedMethods.join(" and ")} alone.`,
        {
          details: { allow: allowedMethods.join(", ") },
        },
      );
    case 415:
      return serveErrors.error(
        "MEDIA_TYPE_UNSUPPORTED",
        `The content type is none of the method's. It speaks ${protocolNames.join(", ")}.`,
        { details: { protocols: protocolNames } },
      );
    case 505:
      return serveErrors.error(
        "HTTP_VERSION_UNSUPPORTED",
        "Requests and answers of the method go both ways at once. Call it over HTTP/2.",
      );
    default:
      return null;
  }
}
