/**
 * What opens a WebSocket (RFC 6455, section 4.2), and why it is refused while it still is a request of HTTP, which can be
 * answered like any other. Over HTTP/2 there is none: RFC 8441 is not offered, and browsers open a connection of HTTP/1.1
 * by themselves.
 */
import type { CupelError } from "@cupel/base";
import type { FaceRequest } from "../core/face.ts";
import { pathOf, unknownRoute } from "../core/path-of.ts";
import { serveErrors } from "../errors.ts";
import type { CorsPolicy } from "../operations/cors.ts";
import { isOriginAllowed } from "./origin.ts";

/** Its version is part of its name: what cannot be read by its clients gets another. */
export const subprotocol = "cupel.grpc.v1";

export const webSocketVersion = "13";

export interface HandshakePolicy {
  readonly cors: CorsPolicy;
  hasMethod(path: string): boolean;
}

export function isHandshake({ headers, httpVersionMajor }: FaceRequest): boolean {
  return httpVersionMajor === 1 && namesOf(headers.upgrade).includes("websocket");
}

/** 16 bytes in base64. */
const keyForm = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

/** Null where the connection may become a WebSocket. */
export function refusalOf(request: FaceRequest, { cors, hasMethod }: HandshakePolicy): CupelError | null {
  const { headers, socket, url = "/" } = request;
  const path = pathOf(request);
  if (!hasMethod(path)) return unknownRoute(path);
  if (request.method !== "GET") {
    return serveErrors.error("METHOD_NOT_ALLOWED", "A WebSocket is opened with GET.", {
      details: { allow: "GET" },
    });
  }
  const question = { origin: headers.origin, host: headers.host, isEncrypted: "encrypted" in socket };
  if (!isOriginAllowed(question, cors)) {
    return serveErrors.error(
      "ORIGIN_FORBIDDEN",
      "Pages of this origin may not open a WebSocket here. Name it in cors.origins.",
      { details: { origin: headers.origin, setting: "cors.origins" } },
    );
  }
  const problem = problemOf(request, url);
  return problem === null ? null : serveErrors.error("REQUEST_INVALID", problem);
}

function problemOf({ headers }: FaceRequest, url: string): string | null {
  if (headers["sec-websocket-version"] !== webSocketVersion)
    return `The server speaks version ${webSocketVersion} of the WebSocket protocol.`;
  if (!keyForm.test(String(headers["sec-websocket-key"])))
    return "The header Sec-WebSocket-Key is missing, or is not 16 bytes in base64.";
  if (!namesOf(headers["sec-websocket-protocol"]).includes(subprotocol))
    return `The client does not offer the sub-protocol ${subprotocol}, the only one that is spoken here.`;
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined)
    return "What opens a WebSocket has no body.";
  if (url.includes("?"))
    return "The path of a method has no query. Metadata and keys are sent in the first frame: addresses are logged on the way.";
  return null;
}

function namesOf(header: string | readonly string[] | undefined): readonly string[] {
  return String(header ?? "")
    .split(",")
    .map((name) => name.trim())
    .map((name) => (name.toLowerCase() === "websocket" ? "websocket" : name));
}
