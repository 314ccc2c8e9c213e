/**
 * What is told of models and looked up often: metadata and statistics, through a cache. Names of no
 * model never reach the back end, however many different ones are asked for: they are compared with the list of models, which
 * is asked for once in a while. Whoever may not know is refused before that, as everywhere.
 */
import { type Clock, type CupelError, systemClock } from "@cupel/base";
import { authorise, type Policy } from "../access/policy.ts";
import type { Call } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";
import type { IndexEntry, ModelMetadata } from "../core/metadata.ts";
import type { VersionStatistics } from "../core/statistics.ts";
import { serveErrors } from "../errors.ts";
import { FieldCache } from "./field-cache.ts";

export interface ModelFacts extends Disposable {
  /** @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY, FORBIDDEN, AUTH_REQUIRED */
  metadata(model: string, version: string | undefined, call: Call): Promise<ModelMetadata>;
  /** @throws MODEL_UNKNOWN, FORBIDDEN, AUTH_REQUIRED */
  statistics(
    model: string | undefined,
    version: string | undefined,
    call: Call,
  ): Promise<readonly VersionStatistics[]>;
  /** A load or an unload went through. */
  changed(): void;
}

export interface ModelFactsOptions {
  readonly service: Pick<InferenceService, "modelMetadata" | "statistics">;
  readonly policy: Policy;
  /** All models, whoever may see them. */
  index(): readonly IndexEntry[];
  /** How long an answer counts, in ms; 0: every question goes to the back end. */
  readonly cacheMs: number;
  readonly clock?: Clock | undefined;
}

/** How long the list of models counts at most, in ms: names of no model are refused by it. */
const listMs = 1_000;

export function createModelFacts(options: ModelFactsOptions): ModelFacts {
  const { service, policy, index, cacheMs, clock = systemClock } = options;
  const cache = new FieldCache({ ttlMs: cacheMs, clock });
  let known: ReadonlyMap<string, readonly IndexEntry[]> = new Map();
  let knownUntil = Number.NEGATIVE_INFINITY;

  const assertKnown = (model: string, version: string | undefined): void => {
    if (cacheMs === 0) return;
    if (clock.monotonic() >= knownUntil) {
      known = Map.groupBy(index(), ({ name }) => name);
      knownUntil = clock.monotonic() + Math.min(cacheMs, listMs);
    }
    const versions = known.get(model);
    if (versions === undefined) throw unknown("MODEL_UNKNOWN", `no model "${shortened(model)}"`);
    if (version === undefined || versions.some((entry) => entry.version === version)) return;
    throw unknown("VERSION_UNKNOWN", `no version "${shortened(version)}" of the model "${model}"`);
  };

  return {
    async metadata(model, version, call) {
      authorise(policy, call.principal, "metadata", model);
      assertKnown(model, version);
      const key = { field: "Model.metadata", principal: call.principal, args: [model, version] };
      return await cache.read(key, () => service.modelMetadata(model, version, call));
    },
    async statistics(model, version, call) {
      if (model !== undefined) {
        authorise(policy, call.principal, "stats", model);
        assertKnown(model, version);
      }
      const key = { field: "Model.statistics", principal: call.principal, args: [model, version] };
      return await cache.read(key, () => service.statistics(model, version, call));
    },
    changed() {
      knownUntil = Number.NEGATIVE_INFINITY;
      cache.clear();
    },
    [Symbol.dispose]: () => cache[Symbol.dispose](),
  };
}

function unknown(code: "MODEL_UNKNOWN" | "VERSION_UNKNOWN", what: string): CupelError {
  return serveErrors.error(code, `The server has ${what}.`, { withoutStack: true });
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
