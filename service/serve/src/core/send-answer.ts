/**
 * Answers on Node's own response: a text and its head in one piece. Where the body of the request was not read to its
 * end, the answer goes out whole first; then some more of the body is let pass, so that a client that is still sending
 * finds the answer rather than a connection that broke.
 */
import { constants } from "node:http2";
import type { FaceRequest, FaceResponse } from "./face.ts";
import { pathOf } from "./path-of.ts";
import { problemOf } from "./problem-details.ts";

export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

/** @param thrown anything; what of it is public is told */
export function refuse(thrown: unknown, request: FaceRequest, response: FaceResponse): void {
  // Too late for a status: only a broken connection says that this is not all.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  sendAnswer(problemOf(thrown, { instance: pathOf(request) }), request, response);
}

export function sendAnswer(answer: SentAnswer, request: FaceRequest, response: FaceResponse): void {
  if (response.destroyed || response.writableEnded) return;
  if (hasUnreadBody(request)) {
    passUnread(answer, request, response);
    return;
  }
  writeHead(answer, response);
  if (answer.body === undefined) response.end();
  else response.end(answer.body);
}

/** What passes at most of a body that nobody reads. */
const letPass = { bytes: 4 * 2 ** 20, ms: 2000 };

/** Node itself drops what is left of such a body after the answer, and the connection is kept: that costs a server in need the least. */
const droppedByNode = 256 * 2 ** 10;

/** A request is not complete yet when it is handed on, though its headers may have been all of it. */
function hasUnreadBody(request: FaceRequest): boolean {
  if (request.complete) return false;
  if ("stream" in request) return !request.stream.endAfterHeaders;
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || Number(length ?? 0) > droppedByNode;
}

function passUnread(answer: SentAnswer, request: FaceRequest, response: FaceResponse): void {
  const bytes = Buffer.from(answer.body ?? "");
  writeHead(answer, response);
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

function writeHead({ status, headers, body }: SentAnswer, response: FaceResponse): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("content-length", Buffer.byteLength(body ?? ""));
}
