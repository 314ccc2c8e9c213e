/** The door of this face: a call is let in before a byte of its message is read, and disposed when it is answered. */
import {
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { cancellation, own } from "@cupel/base";
import type { Admission, AdmittedCall, Peer } from "../core/admission.ts";
import type { Call, FaceName } from "../core/call.ts";
import type { FaceRequest } from "../core/face.ts";
import type { StageTimes } from "../core/inference.ts";
import { peerOf } from "../core/peer-of.ts";
import { serverTiming } from "../core/server-timing.ts";
import { connectErrorOf } from "./connect-error.ts";
import { departureOf } from "./deadline.ts";
import { namedError } from "./name-refusals.ts";

const peerKey = createContextKey<Peer>({ address: "" });
const callKey = createContextKey<AdmittedCall | null>(null);

export function peerValues(request: FaceRequest): ContextValues {
  return createContextValues().set(peerKey, peerOf(request));
}

/** By the library's name of a protocol. */
const faces: Readonly<Record<string, FaceName>> = {
  grpc: "grpc",
  "grpc-web": "grpc-web",
  connect: "connect",
};

/** @param actionOf what admission calls a method. @param face default: by the protocol */
export function createGate(
  admission: Admission,
  actionOf: (context: HandlerContext) => string,
  face?: FaceName,
) {
  return async (context: HandlerContext): Promise<void> => {
    const { signal, values, requestHeader } = context;
    try {
      const call = await admission.admit({
        face: face ?? own(faces, context.protocolName)!,
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
    const answered = await run(call);
    tellTimes(context, call.times);
    return answered;
  } catch (thrown) {
    call.failed?.(namedError(thrown, call.signal));
    throw connectErrorOf(thrown, call.signal);
  }
}

/** Answers a call of a stream. @param run adds the times of its answers to the second */
export async function* answerMany<Answer>(
  context: HandlerContext,
  run: (call: Call, times: StageTimes) => AsyncIterable<Answer>,
): AsyncIterable<Answer> {
  using call = takeCall(context);
  let isTold = false;
  try {
    const times: StageTimes = {};
    yield* run(call, times);
    // A client that sends nothing more does not keep its stream past its deadline.
    if (call.signal.aborted) throw cancellation("The call", call.signal);
    tellTimes(context, times);
  } catch (thrown) {
    isTold = true;
    call.failed?.(namedError(thrown, call.signal));
    throw connectErrorOf(thrown, call.signal);
  } finally {
    // Nothing is thrown where a client left: its answers are asked for no more.
    if (!isTold && call.signal.aborted) call.failed?.(cancellation("The call", call.signal));
  }
}

/** As the header Server-Timing of the other faces, where the client asks for it: a trailer where answers have trailers. */
function tellTimes(context: HandlerContext, times: StageTimes): void {
  const { requestHeader, responseHeader, responseTrailer, protocolName, method } = context;
  const text = requestHeader.get("cupel-timing") === "1" ? serverTiming(times) : "";
  if (text === "") return;
  const isPlain = protocolName === "connect" && method.methodKind === "unary";
  (isPlain ? responseHeader : responseTrailer).set("server-timing", text);
}
