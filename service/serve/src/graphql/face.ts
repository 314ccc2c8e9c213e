/**
 * The GraphQL face: one path, `/graphql`, over HTTP/1.1 and HTTP/2 (GraphQL over HTTP; subscriptions as server-sent events).
 * Nothing of a body is read before its request is let in. What the operation does is known only then: each field is asked for
 * by itself, and each run is a request of its own to limits and to the record.
 */
import { cancellation, errorFrom } from "@cupel/base";
import type { Policy } from "../access/policy.ts";
import type { AdmittedCall } from "../core/admission.ts";
import type { Face, FaceOptions, FaceRequest, FaceResponse } from "../core/face.ts";
import { headerOf } from "../core/header-of.ts";
import type { IndexEntry } from "../core/metadata.ts";
import { pathOf } from "../core/path-of.ts";
import { peerOf } from "../core/peer-of.ts";
import { problemOf } from "../core/problem-details.ts";
import { sendAnswer } from "../core/send-answer.ts";
import { serveErrors } from "../errors.ts";
import { readBody } from "../http/body-limit.ts";
import { preferredType } from "../http/content-type.ts";
import { readTimeout, timeoutHeader } from "../http/deadline.ts";
import { Departure } from "../http/departure.ts";
import { FieldWork } from "./field-work.ts";
import { toldErrors } from "./graphql-error.ts";
import type { DocumentLimits } from "./limits/limits.ts";
import { createModelFacts } from "./model-facts.ts";
import type { Operation } from "./operation.ts";
import { createPipeline, graphqlPath, type Pipeline } from "./pipeline.ts";
import { type AskedRequest, assertReadable, readRequest } from "./read-request.ts";
import { writeResponse } from "./write-response.ts";

export interface GraphqlFaceOptions extends FaceOptions {
  readonly policy: Policy;
  /** All models, whoever may see them. */
  index(): readonly IndexEntry[];
  /** Whether the schema is told to who asks for it. Default true. */
  readonly introspection?: boolean | undefined;
  readonly limits?: DocumentLimits | undefined;
  /** How long metadata and statistics count that were told before, in ms; 0: they are not kept. Default 1,000. */
  readonly cacheMs?: number | undefined;
  /** Runs and look-ups of one operation at once. Default 8. */
  readonly concurrency?: number | undefined;
}

interface Parts {
  readonly concurrency: number;
  readonly options: FaceOptions;
  readonly pipeline: Pipeline;
  readonly facts: ReturnType<typeof createModelFacts>;
  readonly stopping: AbortSignal;
}

export function createGraphqlFace(options: GraphqlFaceOptions): Face {
  const { service, policy, introspection = true, limits = { depth: 16, cost: 10_000 } } = options;
  const { index, cacheMs = 1_000, concurrency = 8 } = options;
  const stopping = new AbortController();
  const facts = createModelFacts({ service, policy, index, cacheMs });
  const pipeline = createPipeline({ policy, introspection, limits });
  const parts: Parts = { options, pipeline, facts, stopping: stopping.signal, concurrency };
  return {
    takes: (request) => pathOf(request) === graphqlPath,
    handle(request, response) {
      // What even a refusal cannot be made of is a defect: the client sees its connection end.
      void handle(parts, request, response).catch(() => response.destroy());
    },
    stop: () => stopping.abort(),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      facts[Symbol.dispose]();
    },
  };
}

async function handle(parts: Parts, request: FaceRequest, response: FaceResponse): Promise<void> {
  const { admission, bodyLimit } = parts.options;
  using departure = new Departure(request, response);
  const header = (name: string) => headerOf(request, name);
  try {
    using call = await admission.admit({
      face: "graphql",
      action: "graphql",
      header,
      peer: peerOf(request),
      left: departure.signal,
      timeoutMs: readTimeout(header(timeoutHeader)),
    });
    try {
      using ending = new Ending(call.signal);
      const body = () => readBody(request, { limit: bodyLimit, signal: call.signal });
      const asked = { method: request.method ?? "", url: request.url ?? "", header, body };
      const answered = await answer(parts, asked, call, ending.signal);
      response.appendHeader("vary", "accept");
      await writeResponse(answered, request, response, departure.signal);
      if (call.signal.aborted) call.failed?.(cancellation("The call", call.signal));
    } catch (thrown) {
      call.failed?.(thrown);
      throw errorFrom(thrown, call.signal);
    }
  } catch (thrown) {
    refuse(thrown, header("accept"), request, response);
  }
}

/** @param ending of the work of the fields */
async function answer(
  { pipeline, facts, stopping, concurrency, options }: Parts,
  asked: AskedRequest,
  call: AdmittedCall,
  ending: AbortSignal,
): Promise<Response> {
  const { header, method } = asked;
  assertReadable(asked);
  const params = await readRequest(asked);
  const operation: Operation = {
    service: options.service,
    facts,
    call,
    work: new FieldWork(ending, concurrency),
    stopping,
    timing: header("cupel-timing") === "1" ? [] : null,
  };
  const headers = { accept: header("accept") ?? "*/*" };
  const request = new Request(`http://localhost${graphqlPath}`, { method, headers });
  const answered = await pipeline(request, { operation, params });
  if (answered.status === 406 && answered.body === null) throw notAcceptable();
  return answered;
}

/** The signal of an operation's fields: fires with the error that ended the call, and when the answer is sent. */
class Ending implements Disposable {
  readonly #over = new AbortController();
  readonly #call: AbortSignal;

  constructor(call: AbortSignal) {
    this.#call = call;
    if (call.aborted) this.#end();
    else call.addEventListener("abort", this.#end, { once: true });
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  [Symbol.dispose](): void {
    this.#call.removeEventListener("abort", this.#end);
    this.#end();
  }

  readonly #end = (): void => this.#over.abort(cancellation("The call", this.#call));
}

const types = ["application/graphql-response+json", "application/json"] as const;

/** Before there is an operation: the status is the error's, whatever the client accepts. */
function refuse(
  thrown: unknown,
  accept: string | undefined,
  request: FaceRequest,
  response: FaceResponse,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const never = new AbortController().signal;
  const { errors } = toldErrors([thrown], { signal: never, isRefusal: false, hidesNames: false });
  const { status, headers } = problemOf(thrown, { instance: "" });
  const type = `${preferredType(accept, types)}; charset=utf-8`;
  const body = JSON.stringify({ errors });
  sendAnswer({ status, headers: { ...headers, "content-type": type }, body }, request, response);
}

function notAcceptable(): Error {
  return serveErrors.error(
    "NOT_ACCEPTABLE",
    "The answer cannot be sent as the header Accept asks. Accept application/graphql-response+json; of a subscription text/event-stream; with @defer or @stream multipart/mixed or text/event-stream.",
  );
}
