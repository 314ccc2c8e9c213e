/**
 * The public keys that tokens are verified with: a JSON Web Key Set (RFC 7517) in a file or at a URL. It is read again
 * when a token names a key that it lacks, so that keys rotate without a restart, and when it has become old, so that a
 * key that was taken out stops to count. Between two readings lies a cooldown: tokens that name keys at random do not
 * make the server read, or ask, for each.
 */
import type { Clock } from "@cupel/base";
import { readRegular } from "@cupel/base";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type LocalJWKSet,
} from "jose";
import { serveErrors } from "../errors.ts";

export interface KeySetOptions {
  /** The file, or the URL where it begins with http. */
  readonly jwks: string;
  /** Least time between two readings. */
  readonly cooldownMs: number;
  /** A reading counts for so long. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** What a caller did, as opposed to what befell the server while it looked for the key. */
const ofTheToken = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
  errors.JWSInvalid,
];

/** The key of a token. The function throws AUTH_UNAVAILABLE where the set cannot be read. */
export function createKeySet(options: KeySetOptions): JWTVerifyGetKey {
  const { jwks, cooldownMs, maxAgeMs } = options;
  const find: JWTVerifyGetKey = /^https?:/i.test(jwks)
    ? createRemoteJWKSet(new URL(jwks), { cooldownDuration: cooldownMs, cacheMaxAge: maxAgeMs })
    : fileKeySet(options);
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (thrown) {
      if (ofTheToken.some((kind) => thrown instanceof kind)) throw thrown;
      throw serveErrors.error(
        "AUTH_UNAVAILABLE",
        `The key set ${jwks} cannot be read; tokens cannot be verified. Look at what answers there.`,
        { cause: thrown },
      );
    }
  };
}

function fileKeySet({ jwks, cooldownMs, maxAgeMs, clock }: KeySetOptions): JWTVerifyGetKey {
  let reading: Promise<LocalJWKSet> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  const read = (): Promise<LocalJWKSet> => {
    readAt = clock.monotonic();
    reading = readKeySet(jwks);
    return reading;
  };
  return async (header, token) => {
    const isOld = clock.monotonic() - readAt >= maxAgeMs;
    const current = reading === null || isOld ? read() : reading;
    try {
      return await (await current)(header, token);
    } catch (thrown) {
      // What could not be read is not kept: the next token has it read again, after the cooldown.
      const mayHelp = thrown instanceof errors.JWKSNoMatchingKey || !(thrown instanceof errors.JOSEError);
      if (!mayHelp || clock.monotonic() - readAt < cooldownMs) throw thrown;
      return await (await read())(header, token);
    }
  };
}

async function readKeySet(path: string): Promise<LocalJWKSet> {
  const parsed: unknown = JSON.parse((await readRegular(path)).toString("utf8"));
  if (!isKeySet(parsed)) throw new Error("it is no JSON Web Key Set: it has no list of keys");
  return createLocalJWKSet(parsed);
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    typeof value === "object" &&
    value !== null &&
    "keys" in value &&
    Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === "object" && key !== null && typeof key.kty === "string")
  );
}
