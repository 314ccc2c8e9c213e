/** The door of this face: a call is let in before a byte of its message is read, and disposed when it is answered. */
import {
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { cancellation } from "@cupel/base";
import type { Admission, AdmittedCall, Peer } from "../core/admission.ts";
import type { Call } from "../core/call.ts";
import type { FaceRequest } from "../core/face.ts";
import { peerOf } from "../core/peer-of.ts";
import { connectErrorOf } from "./connect-error.ts";
import { departureOf } from "./deadline.ts";
import { namedError } from "./name-refusals.ts";

const peerKey = createContextKey<Peer>({ address: "" });
const callKey = createContextKey<AdmittedCall | null>(null);

export function peerValues(request: FaceRequest): ContextValues {
  return createContextValues().set(peerKey, peerOf(request));
}

/** @param actionOf what admission calls a method */
export function createGate(admission: Admission, actionOf: (context: HandlerContext) => string) {
  return async (context: HandlerContext): Promise<void> => {
    const { signal, values, requestHeader } = context;
    try {
      const call = await admission.admit({
        face: "grpc",
        action: actionOf(context),
        header: (name) => requestHeader.get(name) ?? undefined,
        peer: values.get(peerKey),
        left: departureOf(context),
        timeoutMs: context.timeoutMs(),
      });
      values.set(callKey, call);
      // The message may not arrive, or not parse: no method is called then.
      const forget = () => {
        using forgotten = take(context);
        forgotten?.failed?.(namedError(signal.reason, forgotten.signal));
      };
      if (signal.aborted) forget();
      else signal.addEventListener("abort", forget, { once: true });
    } catch (thrown) {
      throw connectErrorOf(thrown, signal);
    }
  };
}

/** Whoever takes it disposes it. */
function take({ values }: HandlerContext): AdmittedCall | null {
  const call = values.get(callKey);
  values.set(callKey, null);
  return call;
}

/** @throws CANCELLED where the client left before its method was called */
function takeCall(context: HandlerContext): AdmittedCall {
  const call = take(context);
  if (call === null) throw connectErrorOf(cancellation("The call", context.signal));
  return call;
}

/** Answers a call of one message. */
export async function answer<Answer>(
  context: HandlerContext,
  run: (call: Call) => Answer | Promise<Answer>,
): Promise<Answer> {
  using call = takeCall(context);
  try {
    return await run(call);
  } catch (thrown) {
    call.failed?.(namedError(thrown, call.signal));
    throw connectErrorOf(thrown, call.signal);
  }
}

/** Answers a call of a stream. */
export async function* answerMany<Answer>(
  context: HandlerContext,
  run: (call: Call) => AsyncIterable<Answer>,
): AsyncIterable<Answer> {
  using call = takeCall(context);
  let isTold = false;
  try {
    yield* run(call);
  } catch (thrown) {
    isTold = true;
    call.failed?.(namedError(thrown, call.signal));
    throw connectErrorOf(thrown, call.signal);
  } finally {
    // Nothing is thrown where a client left: its answers are asked for no more.
    if (!isTold && call.signal.aborted) call.failed?.(cancellation("The call", call.signal));
  }
}
