/**
 * The door that every face shares. In this order: is the server taking calls, has it room, who is it, may they do this
 * at all, have they room, do they ask too often? Nothing of a body need be read before all of it is answered.
 */
import { type Clock, type CupelError, errorFrom, systemClock, throwIfCancelled } from "@cupel/base";
import type { Admission, AdmittedCall, Arrival } from "../core/admission.ts";
import { callerOf, type Principal } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import { type Instruments, silentInstruments } from "../operations/instruments.ts";
import type { RequestObserver } from "../operations/request-observer.ts";
import { type Authentication, noAuthentication } from "./authenticate.ts";
import { startDeadline } from "./deadline.ts";
import { authorise, openPolicy, type Policy } from "./policy.ts";
import { createRateLimits, type Rate } from "./token-bucket.ts";

export interface CallerLimits {
  /** Requests of one caller that are answered at once. */
  readonly inFlight: number | null;
  readonly rate: Rate | null;
}

export interface AdmissionLimits {
  /** Requests of all callers that are answered at once. */
  readonly inFlight: number | null;
  /** Of a caller that `callers` does not name; of who is anonymous by address. */
  readonly perKey: CallerLimits;
  /** By the id of the principal. */
  readonly callers?: ReadonlyMap<string, CallerLimits> | undefined;
  /** Of a call that does not say how long it waits, in ms. */
  readonly defaultTimeoutMs: number | null;
  /** A call that says more waits this long, in ms. */
  readonly maxTimeoutMs: number | null;
}

export const noLimits: AdmissionLimits = {
  inFlight: null,
  perKey: { inFlight: null, rate: null },
  defaultTimeoutMs: null,
  maxTimeoutMs: null,
};

export interface AdmissionOptions {
  /** Default: everybody is anonymous. */
  readonly authentication?: Authentication | undefined;
  /** Default: everything is open but what shows the memory of the process. */
  readonly policy?: Policy | undefined;
  /** Default: none. */
  readonly limits?: AdmissionLimits | undefined;
  /** While it says true, calls are refused with SERVER_STARTING. Default: never. */
  readonly isStarting?: (() => boolean) | undefined;
  readonly clock?: Clock | undefined;
  readonly instruments?: Instruments | undefined;
  /** Told of every call that was answered or refused. */
  readonly observer?: RequestObserver | undefined;
}

export interface ServerAdmission extends Admission {
  /** Calls that were let in and are not disposed. */
  readonly inFlight: number;
  readonly isStopping: boolean;
  /** From now on refuses with SERVER_STOPPING. Resolves when the last admitted call is disposed. */
  drain(): Promise<void>;
}

/** How long a caller of a full or starting server should wait, in ms: nobody knows when that ends. */
const retryAfterMs = 1_000;
/** Whether the server lives and is ready is told to everybody and at all times; the console has nothing of a model in it. */
const openActions: ReadonlySet<string> = new Set(["live", "ready", "console"]);
/** Of who runs the server, and wanted most where it is full or stops: no limit holds for them. */
const operatorActions: ReadonlySet<string> = new Set(["metrics", "debug"]);

export function createAdmission(options: AdmissionOptions = {}): ServerAdmission {
  const { authentication = noAuthentication, policy = openPolicy, limits = noLimits } = options;
  const { isStarting = () => false } = options;
  const { clock = systemClock, instruments = silentInstruments, observer } = options;
  const rates = createRateLimits(clock);
  const inFlightOf = new Map<string, number>();
  let inFlight = 0;
  let stopping: PromiseWithResolvers<void> | null = null;

  const enter = (): void => instruments.set("inFlight", {}, ++inFlight);
  const leave = (): void => {
    instruments.set("inFlight", {}, --inFlight);
    if (inFlight === 0) stopping?.resolve();
  };
  const enterOf = (caller: string): void => void inFlightOf.set(caller, (inFlightOf.get(caller) ?? 0) + 1);
  const leaveOf = (caller: string): void => {
    const left = inFlightOf.get(caller)! - 1;
    if (left > 0) inFlightOf.set(caller, left);
    else inFlightOf.delete(caller);
  };

  const assertServerTakes = (): void => {
    if (stopping) {
      throw serveErrors.error(
        "SERVER_STOPPING",
        "The server is shutting down. Send the call to another one.",
      );
    }
    if (isStarting()) {
      throw serveErrors.error("SERVER_STARTING", "The server loads its models. Send the call again later.", {
        details: { retryAfterMs },
        withoutStack: true,
      });
    }
    if (limits.inFlight !== null && inFlight >= limits.inFlight) {
      throw inFlightLimit("limits.inFlight", limits.inFlight, "The server");
    }
  };
  const assertCallerTakes = (caller: string, { id }: Principal): void => {
    const { inFlight: most } = limits.callers?.get(id) ?? limits.perKey;
    if (most !== null && (inFlightOf.get(caller) ?? 0) >= most) {
      throw inFlightLimit("limits.inFlightPerKey", most, "The caller");
    }
    assertRate(caller, { id });
  };
  const assertRate = (caller: string, { id }: Pick<Principal, "id">): void => {
    const { rate } = limits.callers?.get(id) ?? limits.perKey;
    const wait = rate === null ? 0 : rates.take(caller, rate);
    if (rate === null || wait === 0) return;
    throw serveErrors.error(
      "RATE_LIMIT",
      `The caller may send ${rate.perSecond} requests a second. Send the next in ${wait} ms.`,
      {
        details: { limit: "limits.rate", perSecond: rate.perSecond, retryAfterMs: wait },
        withoutStack: true,
      },
    );
  };
  const authenticate = async (arrival: Arrival): Promise<Principal> => {
    const principal = await authentication.authenticate(arrival);
    authorise(policy, principal, arrival.action);
    return principal;
  };

  /** Who shows wrong credentials is still told whether the server lives. */
  const authenticateIfPossible = async (arrival: Arrival): Promise<Principal> => {
    try {
      return await authentication.authenticate(arrival);
    } catch {
      return authentication.nobody;
    }
  };

  const admitted = (
    arrival: Arrival,
    principal: Principal,
    arrivedAt: number,
    release: () => void,
    deadline = startDeadline(arrival.left, timeoutOf(arrival, limits)),
  ): AdmittedCall => {
    const { face, peer } = arrival;
    let isDisposed = false;
    let failure: CupelError | null = null;
    let parts = 0;
    const call: AdmittedCall = {
      face,
      principal,
      signal: deadline.signal,
      address: peer.address,
      times: {},
      failed(error) {
        failure = errorFrom(error, deadline.signal);
      },
      part(action) {
        if (parts++ > 0) assertRate(callerOf(call), principal);
        const shared = { signal: deadline.signal, [Symbol.dispose]: nothing };
        return admitted({ ...arrival, action }, principal, clock.monotonic(), nothing, shared);
      },
      [Symbol.dispose]() {
        if (isDisposed) return;
        isDisposed = true;
        deadline[Symbol.dispose]();
        release();
        observer?.answered(arrival, call, clock.monotonic() - arrivedAt, failure);
      },
    };
    return call;
  };

  return {
    get inFlight() {
      return inFlight;
    },
    get isStopping() {
      return stopping !== null;
    },
    async admit(arrival) {
      const arrivedAt = clock.monotonic();
      if (openActions.has(arrival.action)) {
        // Readiness of one model is asked by somebody: the service asks whether they may know.
        const principal = await authenticateIfPossible(arrival);
        enter();
        return admitted(arrival, principal, arrivedAt, leave);
      }
      using undo = new DisposableStack();
      try {
        const isLimited = !operatorActions.has(arrival.action);
        if (isLimited) assertServerTakes();
        enter();
        undo.defer(leave);
        const deadline = undo.use(startDeadline(arrival.left, timeoutOf(arrival, limits)));
        const principal = await authenticate(arrival);
        throwIfCancelled(deadline.signal, "The call");
        const caller = callerOf({ principal, address: arrival.peer.address });
        if (isLimited) assertCallerTakes(caller, principal);
        enterOf(caller);
        undo.move();
        const release = (): void => {
          leaveOf(caller);
          leave();
        };
        return admitted(arrival, principal, arrivedAt, release, deadline);
      } catch (thrown) {
        const error = errorFrom(thrown);
        const { limit } = error.details;
        const { face } = arrival;
        instruments.count("refused", {
          face,
          code: error.code,
          limit: typeof limit === "string" ? limit : "",
        });
        await observer?.refused(arrival, error, clock.monotonic() - arrivedAt);
        throw error;
      }
    },
    drain() {
      stopping ??= Promise.withResolvers();
      if (inFlight === 0) stopping.resolve();
      return stopping.promise;
    },
  };
}

function nothing(): void {}

function timeoutOf({ timeoutMs }: Arrival, limits: AdmissionLimits): number | null {
  const wanted = timeoutMs ?? limits.defaultTimeoutMs;
  if (wanted === null) return limits.maxTimeoutMs;
  return limits.maxTimeoutMs === null ? wanted : Math.min(wanted, limits.maxTimeoutMs);
}

function inFlightLimit(limit: string, most: number, who: string) {
  return serveErrors.error(
    "IN_FLIGHT_LIMIT",
    `${who} has ${most} requests being answered and may have no more at once. Send this one again later.`,
    { details: { limit, most, retryAfterMs }, withoutStack: true },
  );
}
