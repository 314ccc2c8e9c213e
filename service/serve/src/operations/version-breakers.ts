/**
 * A breaker around each version of each model. A version that fails by itself is suspended; a caller who named no version
 * is served by the newest one that is not, so that a bad new version costs its first failures and nothing more.
 */
import {
  Breaker,
  type BreakerOptions,
  type BreakerState,
  type Clock,
  type CupelError,
  errorFrom,
  type Outcome,
  systemClock,
} from "@cupel/base";
import { type Call, callerOf } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import type { ModelRepository } from "../repository/model-repository.ts";
import type { ModelVersion } from "../repository/model-version.ts";
import { breakerDefaults } from "./breaker-defaults.ts";
import { type Instruments, silentInstruments } from "./instruments.ts";
import { RunFailures } from "./run-failures.ts";

export interface VersionBreakersOptions extends Partial<BreakerOptions> {
  readonly clock?: Clock | undefined;
  readonly instruments?: Instruments | undefined;
  /** Told of each change. */
  readonly onChange?: ((version: ModelVersion, state: BreakerState) => void) | undefined;
}

export interface VersionBreakers {
  /** The newest that takes calls; the newest of all where none does. @param versions at least one, the current last */
  choose(versions: readonly ModelVersion[]): ModelVersion;
  /** The version whose runs are counted, and refused with MODEL_SUSPENDED while it is suspended. */
  guard(version: ModelVersion): ModelVersion;
}

/** As the gauge says it. */
const stateNumber: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };

/** Failures of 500 and above that say nothing of the model: of its queue, of the caller's patience, of the server. */
const notOfTheModel: ReadonlySet<string> = new Set([
  "DEADLINE_EXCEEDED",
  "MODEL_NOT_READY",
  "MODEL_SUSPENDED",
  "SERVER_STOPPING",
]);

function outcomeOf(error: CupelError, runFailures: RunFailures, call: Call): Outcome {
  if (error.code === "RUN_FAILED") return runFailures.failed(callerOf(call)) ? "failure" : "none";
  return error.spec.http >= 500 && !notOfTheModel.has(error.code) ? "failure" : "none";
}

interface Guard {
  readonly breaker: Breaker;
  readonly guarded: ModelVersion;
}

export function createVersionBreakers(options: VersionBreakersOptions = {}): VersionBreakers {
  const { clock = systemClock, instruments = silentInstruments, onChange } = options;
  const settings = { ...breakerDefaults, ...options };
  /** A version that is loaded anew is another one, and begins with a new breaker. */
  const guards = new WeakMap<ModelVersion, Guard>();
  const guardOf = (version: ModelVersion): Guard => {
    const known = guards.get(version);
    if (known !== undefined) return known;
    const labels = { model: version.model, version: version.version };
    const breaker = new Breaker(settings, clock, (state) => {
      instruments.set("breakerState", labels, stateNumber[state]);
      onChange?.(version, state);
    });
    instruments.set("breakerState", labels, stateNumber.closed);
    const made = { breaker, guarded: guarded(version, breaker) };
    guards.set(version, made);
    return made;
  };
  return {
    choose: (versions) => versions.findLast((each) => guardOf(each).breaker.admits) ?? versions.at(-1)!,
    guard: (version) => guardOf(version).guarded,
  };
}

/** The version whose runs pass the breaker. */
function guarded(version: ModelVersion, breaker: Breaker): ModelVersion {
  const runFailures = new RunFailures();
  const pass = async <T>(call: Call, work: () => Promise<T>): Promise<T> => {
    const settle = breaker.enter();
    if (!settle) throw suspended(version, breaker.retryAfterMs);
    try {
      const result = await work();
      runFailures.answered();
      settle("success");
      return result;
    } catch (thrown) {
      settle(call.signal.aborted ? "none" : outcomeOf(errorFrom(thrown), runFailures, call));
      throw thrown;
    }
  };
  return {
    ...version,
    run: (feeds, run) => pass(run.call, () => version.run(feeds, run)),
    predict: (request, call) => pass(call, () => version.predict(request, call)),
  };
}

/** While probes are under way nobody knows how long they take. */
const probeMs = 1_000;

function suspended({ model, version }: ModelVersion, wait: number): CupelError {
  const retryAfterMs = wait === 0 ? probeMs : wait;
  return serveErrors.error(
    "MODEL_SUSPENDED",
    `Version ${version} of the model "${model}" failed too often and is tried again in ${retryAfterMs} ms. Call again then.`,
    { details: { model, version, retryAfterMs } },
  );
}

/** The repository whose leases pass the breakers. */
export function withBreakers(repository: ModelRepository, breakers: VersionBreakers): ModelRepository {
  return {
    lease(model, version) {
      const ready = version === undefined ? repository.versions(model) : [];
      // Without any the repository says why.
      const chosen = ready.length === 0 ? version : breakers.choose(ready).version;
      const lease = repository.lease(model, chosen);
      return {
        version: breakers.guard(lease.version),
        origin: lease.origin,
        [Symbol.dispose]: () => lease[Symbol.dispose](),
      };
    },
    versions: (model) => repository.versions(model),
    index: () => repository.index(),
    load: (model, signal) => repository.load(model, signal),
    unload: (model) => repository.unload(model),
    get isReady() {
      return repository.isReady;
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  };
}
