/**
 * Sends an answer. Where a body was not read to its end, the answer goes out whole first; then some more of the body is
 * let pass, so that a client that is still sending finds the answer rather than a connection that broke.
 */
import { constants } from "node:http2";
import type { FaceRequest, FaceResponse } from "../core/face.ts";

export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

/** What passes at most of a body that nobody reads. */
const letPass = { bytes: 4 * 2 ** 20, ms: 2000 };

export interface Sender {
  hijack(): unknown;
}

export function sendAnswer(
  reply: Sender,
  request: FaceRequest,
  response: FaceResponse,
  { status, headers, body }: SentAnswer,
): void {
  if (response.destroyed || response.writableEnded) return;
  reply.hijack();
  if (hasUnreadBody(request)) sendRefusal(request, response, { status, headers, body });
  else sendWhole(response, { status, headers, body });
}

/** By Node alone: Fastify would add a charset to JSON's media types, and write the head and a text apart. */
function sendWhole(response: FaceResponse, { status, headers, body = "" }: SentAnswer): void {
  response.statusCode = status;
  for (const name of Object.keys(headers)) response.setHeader(name, headers[name]!);
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

/** Whether the request says that it has a body. */
export function statesBody({ headers }: FaceRequest): boolean {
  return Number(headers["content-length"] ?? 0) > 0 || headers["transfer-encoding"] !== undefined;
}

/** Node itself drops what is left of such a body after the answer, and the connection is kept: that costs a server in need the least. */
const droppedByNode = 256 * 2 ** 10;

/** A request is not complete yet when it is handed on, though its headers may have been all of it. */
function hasUnreadBody(request: FaceRequest): boolean {
  if (request.complete) return false;
  if ("stream" in request) return !request.stream.endAfterHeaders;
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || Number(length ?? 0) > droppedByNode;
}

function sendRefusal(
  request: FaceRequest,
  response: FaceResponse,
  { status, headers, body }: SentAnswer,
): void {
  const bytes = Buffer.from(body ?? "");
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("content-length", bytes.length);
  const isHead = request.method === "HEAD";
  if ("stream" in response) {
    response.end(isHead ? "" : bytes);
    // A complete answer may end a request that is still being sent (RFC 9113, section 8.1).
    response.once("finish", () => response.stream?.close(constants.NGHTTP2_NO_ERROR));
    return;
  }
  response.setHeader("connection", "close");
  response.flushHeaders();
  if (!isHead) response.write(bytes);
  let passed = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.off("data", count);
    response.end();
  };
  const count = (chunk: Buffer): void => {
    passed += chunk.length;
    if (passed > letPass.bytes) end();
  };
  const timer = setTimeout(end, letPass.ms);
  timer.unref();
  response.once("close", end);
  request.on("data", count).once("end", end);
  request.resume();
}
