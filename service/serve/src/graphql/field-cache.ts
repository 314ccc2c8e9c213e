/**
 * What fields were answered before, for a short time: equal questions of callers with equal rights are one question to the back
 * end, also where they come at the same moment. Refusals that say that nothing is there are kept too, for less long. Keys are
 * digests of fixed length: nobody fills the memory with long ones.
 */
import { hash } from "node:crypto";
import { type Clock, CupelError, type PostedError, postError, reviveError } from "@cupel/base";
import { SharedMap, structuredCodec } from "@cupel/shared-map";
import { anonymous, type Principal } from "../core/call.ts";

export interface FieldKey {
  /** "Model.metadata" */
  readonly field: string;
  readonly principal: Principal;
  readonly args: readonly (string | undefined)[];
}

export interface FieldCacheOptions {
  /** How long an answer counts, in ms; 0: none is kept. */
  readonly ttlMs: number;
  readonly clock?: Clock | undefined;
}

/** How long "not found" counts at most, in ms. */
const absenceMs = 1_000;
/** Of keys and answers; when they are full, what was not asked for lately goes. */
const maxBytes = 4 * 2 ** 20;

type Kept<T> = { readonly value: T } | { readonly refusal: PostedError };

export class FieldCache implements Disposable {
  readonly #map: SharedMap<string, Kept<unknown>> | null;
  readonly #ttlMs: number;

  constructor({ ttlMs, clock }: FieldCacheOptions) {
    this.#ttlMs = ttlMs;
    this.#map =
      ttlMs === 0
        ? null
        : SharedMap.create<string, Kept<unknown>>({
            maxBytes,
            clock,
            eviction: "sieve",
            ttlJitter: 0.1,
            codec: structuredCodec,
          });
  }

  /** @param load asks the back end. @throws what it throws, or threw a short time ago */
  async read<T>(key: FieldKey, load: () => T | Promise<T>): Promise<T> {
    if (this.#map === null) return await load();
    const name = nameOf(key);
    try {
      // Values of a key are what its own `load` gave.
      const kept = (await this.#map.fetch(name, async () => ({ value: await load() }), {
        ttl: this.#ttlMs,
      })) as Kept<T>;
      if ("refusal" in kept) throw reviveError(kept.refusal);
      return kept.value;
    } catch (thrown) {
      if (isAbsence(thrown) && this.#map.peek(name) === undefined) {
        this.#map.setIfAbsent(
          name,
          { refusal: postError(thrown) },
          { ttl: Math.min(this.#ttlMs, absenceMs) },
        );
      }
      throw thrown;
    }
  }

  /** What is there may have changed. */
  clear(): void {
    this.#map?.clear();
  }

  [Symbol.dispose](): void {
    this.#map?.close();
  }
}

/** Says something of the back end, nothing of the caller. */
const absences: ReadonlySet<string> = new Set(["MODEL_UNKNOWN", "VERSION_UNKNOWN"]);

function isAbsence(thrown: unknown): thrown is CupelError {
  return thrown instanceof CupelError && absences.has(thrown.code);
}

/** Rights are roles, and whether anybody is known: policies ask for nothing else. */
function nameOf({ field, principal, args }: FieldKey): string {
  const rights = [principal.id === anonymous.id, ...[...principal.roles].sort()];
  return hash("sha256", JSON.stringify([field, rights, args.map((each) => each ?? null)]), "base64");
}
