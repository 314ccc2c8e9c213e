/** Sends an answer through Fastify, or past it where a body was not read to its end: see `core/refuse.ts`. */
import type { FaceRequest, FaceResponse } from "../core/face.ts";
import { answerWhole, hasUnreadBody, refuseUnread } from "../core/refuse.ts";

export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

export interface Sender {
  hijack(): unknown;
}

export function sendAnswer(
  reply: Sender,
  request: FaceRequest,
  response: FaceResponse,
  answer: SentAnswer,
): void {
  if (response.destroyed || response.writableEnded) return;
  // By Node alone: Fastify would add a charset to JSON's media types, and write the head and a text apart.
  reply.hijack();
  if (hasUnreadBody(request)) refuseUnread(answer, request, response);
  else answerWhole(answer, response);
}

/** Whether the request says that it has a body. */
export function statesBody({ headers }: FaceRequest): boolean {
  return Number(headers["content-length"] ?? 0) > 0 || headers["transfer-encoding"] !== undefined;
}
