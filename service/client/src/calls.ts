/**
 * A call from its asking to its answer, the same for every face:
 *
 *     call ── deadline ── retries ── hedge ── endpoint ── breaker ── face
 *
 * Nothing is stored for later: a call whose time is up has failed, and its caller knows.
 */
import { baseErrors, reasonOf } from "@cupel/base/portable";
import type { Endpoint, Endpoints } from "./endpoints.ts";
import { ClientError, clientError, optionInvalid } from "./errors.ts";
import type { ClientObserver } from "./events.ts";
import { connectionError } from "./faces/connection-error.ts";
import type { Face, FaceCall } from "./faces/face.ts";
import { type Deadline, openDeadline } from "./policies/deadline.ts";
import { type HedgeOptions, hedged } from "./policies/hedge.ts";
import { type RetryOptions, withRetries } from "./policies/retry.ts";
import type { RetryBudget } from "./policies/retry-budget.ts";
import { maySendAgain, outcomeOf } from "./policies/safety.ts";
import type { Timing } from "./policies/timing.ts";

export interface CallOptions {
  /** The caller leaves: the call ends with CANCELLED, and the server is told. */
  readonly signal?: AbortSignal | undefined;
  /** For the whole call with its retries, in ms; null for none. Default: the client's. */
  readonly timeoutMs?: number | null | undefined;
  /** Beside the client's, by name in lower case; they go before those. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether the server may do it twice, so that it may be sent again. Default: true, and false of `load` and `unload`. */
  readonly isIdempotent?: boolean | undefined;
  /** Null: not for this call. Default: the client's. */
  readonly hedge?: HedgeOptions | null | undefined;
}

export interface CallsOptions {
  readonly endpoints: Endpoints;
  readonly budget: RetryBudget;
  readonly retry: RetryOptions;
  readonly hedge: HedgeOptions | null;
  readonly timeoutMs: number | null;
  readonly timing: Timing;
  readonly observe: ClientObserver;
  headers(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

/** What is asked for, and whether it may be done twice. */
export interface Operation {
  readonly name: string;
  readonly isIdempotent: boolean;
}

/** The longest that a server takes over REST. */
const longestTimeoutMs = 86_400_000;

type Run<T> = (face: Face, call: FaceCall) => Promise<T>;

/** One try of a call. */
interface Try {
  readonly operation: Operation;
  readonly number: number;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
  /** Endpoints that the call was sent to before. */
  readonly tried: Set<Endpoint>;
}

export class Calls implements Disposable {
  readonly #options: CallsOptions;
  readonly #open = new Set<AbortController>();
  #isClosed = false;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** @throws ClientError */
  async call<T>(operation: Operation, run: Run<T>, options: CallOptions = {}): Promise<T> {
    using scope = this.#begin(operation, options);
    const { endpoints, budget, retry, timing, observe } = this.#options;
    const { deadline } = scope;
    const isIdempotent = options.isIdempotent ?? operation.isIdempotent;
    const hedge = isIdempotent ? (options.hedge === undefined ? this.#options.hedge : options.hedge) : null;
    const tried = new Set<Endpoint>();
    let number = 0;
    budget.deposit();
    const rules = {
      signal: deadline.signal,
      timing,
      remainingMs: () => deadline.remainingMs(),
      isSafe: (error: ClientError) => maySendAgain(error, isIdempotent),
      withdraw: () => budget.withdraw(),
      onRetry: ({ code }: ClientError, delayMs: number) =>
        observe({ kind: "retry", operation: operation.name, code, delayMs }),
      onHedge: () => observe({ kind: "hedge", operation: operation.name }),
    };
    try {
      const headers = await this.#headers(options);
      await untilAborted(endpoints.measure(), deadline.signal);
      const send = (signal: AbortSignal) =>
        this.#send({ operation, number: number++, deadline, signal, headers, tried }, run);
      return await withRetries(
        () => (hedge === null ? send(deadline.signal) : hedged((_, signal) => send(signal), rules, hedge)),
        rules,
        retry,
      );
    } catch (thrown) {
      throw errorOf(thrown, operation);
    }
  }

  /** A call whose answers come one by one. It is sent once: what was answered cannot be taken back. */
  async *stream<T>(
    operation: Operation,
    run: (face: Face, call: FaceCall) => AsyncIterable<T>,
    options: CallOptions = {},
  ): AsyncGenerator<T> {
    // A stream lasts as long as its caller wants.
    using scope = this.#begin(operation, { timeoutMs: null, ...options });
    const { deadline } = scope;
    const over = new AbortController();
    const leave = () => over.abort(deadline.signal.reason);
    deadline.signal.addEventListener("abort", leave, { once: true });
    try {
      const headers = await this.#headers(options);
      await untilAborted(this.#options.endpoints.measure(), deadline.signal);
      const answers = Promise.withResolvers<void>();
      const endpoint = this.#enter(new Set());
      const call = { signal: over.signal, timeoutMs: deadline.remainingMs(), headers };
      const sent = this.#watched({ operation, number: 0, endpoint }, () => answers.promise);
      sent.catch(() => {});
      try {
        yield* run(endpoint.face, call);
        answers.resolve();
      } catch (thrown) {
        answers.reject(thrown);
        await sent;
      } finally {
        // Whoever stops reading has what it wanted.
        answers.resolve();
      }
    } catch (thrown) {
      throw errorOf(thrown, operation);
    } finally {
      over.abort(new DOMException("The stream was left.", "AbortError"));
      deadline.signal.removeEventListener("abort", leave);
    }
  }

  #begin(
    operation: Operation,
    { signal, timeoutMs }: CallOptions,
  ): Disposable & { readonly deadline: Deadline } {
    if (this.#isClosed)
      throw clientError("CLIENT_CLOSED", `${operation.name} was called on a client that is closed.`, {
        mayHaveRun: false,
      });
    const limit = timeoutMs === undefined ? this.#options.timeoutMs : timeoutMs;
    if (limit !== null && !(limit >= 0 && limit <= longestTimeoutMs))
      throw optionInvalid(
        `"timeoutMs" is ${limit}. Give milliseconds from 0 to ${longestTimeoutMs}, which is a day; null waits for ever.`,
      );
    const closing = new AbortController();
    const leave = () => closing.abort(signal?.reason);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
    this.#open.add(closing);
    const deadline = openDeadline(limit, closing.signal, this.#options.timing);
    return {
      deadline,
      [Symbol.dispose]: () => {
        signal?.removeEventListener("abort", leave);
        this.#open.delete(closing);
        deadline[Symbol.dispose]();
      },
    };
  }

  async #headers({ headers = {} }: CallOptions): Promise<Readonly<Record<string, string>>> {
    const all = [await this.#options.headers(), headers].flatMap(Object.entries<string>);
    if (all.length === 0) return {};
    const checked = new Headers();
    for (const [name, value] of all) {
      try {
        checked.set(name, value);
      } catch {
        // Neither the value nor the platform's message, which has it: it may be a key.
        throw optionInvalid(`The header "${name}" has a name or a value that HTTP does not carry.`);
      }
    }
    return Object.fromEntries(checked);
  }

  async #send<T>({ operation, number, deadline, signal, headers, tried }: Try, run: Run<T>): Promise<T> {
    if (signal.aborted) throw errorOf(signal.reason, operation);
    const endpoint = this.#enter(tried);
    tried.add(endpoint);
    const call = { signal, timeoutMs: deadline.remainingMs(), headers };
    return await this.#watched({ operation, number, endpoint }, () => run(endpoint.face, call));
  }

  /** @throws SERVER_SUSPENDED */
  #enter(tried: ReadonlySet<Endpoint>): Endpoint {
    const { endpoints } = this.#options;
    const endpoint = endpoints.choose(tried);
    if (endpoint) return endpoint;
    const { retryAfterMs } = endpoints;
    const until =
      retryAfterMs > 0
        ? `are asked again in ${Math.ceil(retryAfterMs / 1000)} s`
        : "are being tried with a few calls";
    throw clientError(
      "SERVER_SUSPENDED",
      `The endpoints failed too often lately and ${until}. The call was not sent.`,
      { mayHaveRun: false, retryAfterMs },
    );
  }

  /** Tells the breaker and the observer how a send ended. @throws ClientError */
  async #watched<T>(
    {
      operation,
      number,
      endpoint,
    }: { readonly operation: Operation; readonly number: number; readonly endpoint: Endpoint },
    send: () => Promise<T>,
  ): Promise<T> {
    const { timing, observe } = this.#options;
    const settle = endpoint.breaker.enter();
    const start = timing.clock.monotonic();
    const told = (code: string | null) =>
      observe({
        kind: "attempt",
        operation: operation.name,
        endpoint: endpoint.url,
        region: endpoint.region,
        attempt: number,
        ms: timing.clock.monotonic() - start,
        code,
      });
    endpoint.inFlight++;
    try {
      const value = await send();
      settle?.("success");
      endpoint.isReachable = true;
      told(null);
      return value;
    } catch (thrown) {
      const error = errorOf(thrown, operation);
      settle?.(outcomeOf(error));
      if (error.code === "SERVER_UNREACHABLE") endpoint.isReachable = false;
      told(error.code);
      throw error;
    } finally {
      endpoint.inFlight--;
    }
  }

  /** Calls in flight end with CANCELLED; later ones with CLIENT_CLOSED. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const each of this.#open) each.abort(new DOMException("The client was closed.", "AbortError"));
  }
}

/** Anything thrown becomes the one error of a call. */
function errorOf(thrown: unknown, { name }: Operation): ClientError {
  if (thrown instanceof ClientError) return thrown;
  const known = connectionError(thrown);
  if (known) return known;
  const kind = thrown instanceof Error ? thrown.name : "";
  if (kind === "TimeoutError")
    return own("DEADLINE_EXCEEDED", `${name} was not answered in the time allowed.`, thrown);
  if (kind === "AbortError" || !(thrown instanceof Error))
    return own("CANCELLED", `${name} was cancelled.`, thrown);
  return own("INTERNAL", reasonOf(thrown), thrown);
}

function own(
  code: "DEADLINE_EXCEEDED" | "CANCELLED" | "INTERNAL",
  message: string,
  cause: unknown,
): ClientError {
  return new ClientError({ code, spec: baseErrors.specs[code], message, cause });
}

/** @throws the signal's reason, when it is first */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => reject(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  work.then(resolve, reject);
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
