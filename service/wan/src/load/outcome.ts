/** How a request ended. TCP loses no request: each kind of failure has a cause of its own, and they are told apart. */
import { ClientError } from "@cupel/client";

export const outcomes = ["ok", "deadline", "reset", "status", "breaker", "other"] as const;
/**
 * `deadline`: no answer in time. `reset`: the connection broke, or none could be made. `status`: the server answered that it
 * failed. `breaker`: the client sent nothing, since too much failed before. `other`: no answer of the protocol.
 */
export type Outcome = (typeof outcomes)[number];

/** By the code of @cupel/client. Any other comes from a server's answer. */
const byCode: ReadonlyMap<string, Outcome> = new Map([
  ["DEADLINE_EXCEEDED", "deadline"],
  ["CONNECTION_LOST", "reset"],
  ["SERVER_UNREACHABLE", "reset"],
  ["TLS_FAILED", "reset"],
  ["SERVER_SUSPENDED", "breaker"],
  ["ANSWER_INVALID", "other"],
  ["ANSWER_TOO_LARGE", "other"],
]);

/** Of a caller that speaks no face of @cupel/client. */
export class CallFailure extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome, message: string, options?: ErrorOptions) {
    super(message, options);
    this.outcome = outcome;
  }
}

export function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof CallFailure) return thrown.outcome;
  if (thrown instanceof ClientError) return byCode.get(thrown.code) ?? "status";
  return "other";
}
