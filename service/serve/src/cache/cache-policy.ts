/** Whose answers are kept, and for how long. */
import { baseErrors, own } from "@cupel/base";

export interface CachePolicy {
  /** Milliseconds that an answer is kept. */
  readonly ttlMs: number;
  /**
   * Milliseconds that a refusal is kept which depends on the request alone, such as that of an input of the wrong
   * shape; 0: none is. Default 1000, at most `ttlMs`.
   */
  readonly negativeTtlMs?: number | undefined;
}

export interface CachePolicies {
  /** By a model's name; null: its answers are not kept. */
  readonly models?: Readonly<Record<string, CachePolicy | null>> | undefined;
  /** Of the models that are not named. Default null: theirs are not kept. */
  readonly otherModels?: CachePolicy | null | undefined;
}

const defaultNegativeTtlMs = 1000;

/** @throws OPTION_INVALID */
export function checkPolicies({ models = {}, otherModels }: CachePolicies): void {
  for (const policy of [...Object.values(models), otherModels]) {
    if (policy) checkPolicy(policy);
  }
}

export function policyOf(model: string, { models = {}, otherModels = null }: CachePolicies) {
  const named = own(models, model);
  const policy = named === undefined ? otherModels : named;
  if (policy === null) return null;
  const { ttlMs, negativeTtlMs = Math.min(defaultNegativeTtlMs, ttlMs) } = policy;
  return { ttlMs, negativeTtlMs };
}

function checkPolicy({ ttlMs, negativeTtlMs = 0 }: CachePolicy): void {
  if (!(ttlMs > 0)) throw invalid("ttlMs", ttlMs, "a number of milliseconds above 0");
  if (!(negativeTtlMs >= 0))
    throw invalid("negativeTtlMs", negativeTtlMs, "a number of milliseconds, 0 or more");
}

function invalid(option: string, value: number, expected: string): Error {
  return baseErrors.error("OPTION_INVALID", `${option} is ${value}. It takes ${expected}.`, {
    details: { option, value },
  });
}
