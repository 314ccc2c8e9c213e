/** From the body of an answer to its `data`, or to the error that it tells. */
import { type ClientError, clientError, faceUnspoken } from "../errors.ts";
import type { HttpAnswer } from "../rest/http-client.ts";
import { failureOf, problemOf } from "../rest/problem.ts";
import type { OperationName, Told } from "./documents.ts";

/** Of the path that all requests have: GraphQL is switched off, or not there. */
const unspoken = new Set(["ROUTE_UNKNOWN", "HTTP_404"]);

/** @throws ANSWER_INVALID, FACE_UNSUPPORTED, and what the server told */
export function readAnswer<Name extends OperationName>(answer: HttpAnswer, now: number): Told[Name] {
  const message = messageOf(answer);
  const isRefusal = answer.status < 200 || answer.status > 299;
  const error = message?.errors[0];
  if (isRefusal) {
    if (error !== undefined) throw refusalOf(error, answer, now);
    // Without an error of GraphQL's: a proxy's page, or REST's problem details.
    const problem = problemOf(answer, now);
    throw unspoken.has(problem.code) ? faceUnspoken(`HTTP ${answer.status}`, problem) : problem;
  }
  if (message === null) throw invalid("The answer is not one of GraphQL");
  if (error !== undefined) throw invalid(textOf(error));
  if (isObject(message.data) && isObject(Object.values(message.data)[0]))
    return message.data as unknown as Told[Name];
  throw invalid("The answer has no data");
}

interface Message {
  readonly data: unknown;
  readonly errors: readonly unknown[];
}

function messageOf({ body }: HttpAnswer): Message | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!isObject(value)) return null;
    const { data = null, errors = [] } = value;
    return Array.isArray(errors) && (data !== null || errors.length > 0) ? { data, errors } : null;
  } catch {
    return null;
  }
}

function refusalOf(error: unknown, answer: HttpAnswer, now: number): ClientError {
  const { message, extensions } = isObject(error) ? error : {};
  return failureOf({ ...(isObject(extensions) ? extensions : {}), detail: message }, answer, now);
}

/** With this type of answer every error has a status of its own: one with 200 is not our server's. */
function textOf(error: unknown): string {
  const text = isObject(error) && typeof error.message === "string" ? error.message : "no message";
  return `The answer has status 200 and an error (${text})`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function invalid(what: string): ClientError {
  return clientError("ANSWER_INVALID", `${what}, which is not as the protocol has it.`);
}
