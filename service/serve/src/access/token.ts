/**
 * Bearer tokens: JSON Web Tokens (RFC 7519), verified after RFC 8725. The algorithms are ours to name and are all of
 * public keys: "none" does not exist, and a public key cannot be taken for the secret of an HMAC. A token must expire.
 */
import { hash } from "node:crypto";
import { type Clock, CupelError } from "@cupel/base";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Principal } from "../core/call.ts";
import { authRequired } from "./auth-required.ts";

/** Of RFC 7518 and RFC 8037: signatures by a private key. */
export const tokenAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

export interface TokenOptions {
  readonly keys: JWTVerifyGetKey;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly issuer: string;
  readonly audience: string;
  /** By how much the clocks of issuer and server may differ. */
  readonly clockSkewSeconds: number;
  /** Where the roles stand: the name of a claim, or a path with dots such as "realm_access.roles". */
  readonly roleClaim: string;
  readonly clock: Clock;
}

export interface TokenVerifier {
  /** @throws AUTH_REQUIRED, AUTH_UNAVAILABLE */
  verify(token: string): Promise<Principal>;
}

/**
 * A token that was verified is believed again for so long without a look at its signature, which costs 0.1 to 0.2 ms
 * where its digest costs 0.01: a key that is taken out stops to count this much later.
 */
const believedMs = 10_000;
/** Tokens believed at once; the oldest is forgotten. */
const mostBelieved = 1_000;

/** A subject goes into every log line of its calls. */
const longestSubject = 256;

export function createTokenVerifier(options: TokenOptions): TokenVerifier {
  const { keys, issuer, audience, clockSkewSeconds, roleClaim, clock } = options;
  const algorithms = [...options.algorithms];
  const believed = new Map<string, { readonly principal: Principal; readonly until: number }>();
  const believe = (digest: string, principal: Principal, expiresAt: number): void => {
    const [oldest] = believed.keys();
    if (believed.size >= mostBelieved && oldest !== undefined) believed.delete(oldest);
    believed.set(digest, { principal, until: Math.min(clock.now() + believedMs, expiresAt) });
  };
  return {
    async verify(token) {
      const digest = hash("sha256", token, "base64");
      const known = believed.get(digest);
      if (known && clock.now() < known.until) return known.principal;
      believed.delete(digest);
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms,
          issuer,
          audience,
          clockTolerance: clockSkewSeconds,
          currentDate: new Date(clock.now()),
          requiredClaims: ["exp", "sub"],
        });
        const { sub = "" } = payload;
        if (sub === "" || sub.length > longestSubject) {
          throw authRequired(
            `The subject of the token must be 1 to ${longestSubject} characters.`,
            "invalid_token",
          );
        }
        const principal: Principal = { id: `token:${sub}`, roles: rolesAt(payload, roleClaim) };
        believe(digest, principal, ((payload.exp ?? 0) + clockSkewSeconds) * 1000);
        return principal;
      } catch (thrown) {
        if (thrown instanceof CupelError) throw thrown;
        throw authRequired(refusal(thrown), "invalid_token", thrown);
      }
    },
  };
}

/** What may be told of a token that was refused: which check failed, nothing of what it holds. */
function refusal(thrown: unknown): string {
  if (thrown instanceof errors.JWTExpired) return "The token has expired. Get a new one.";
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    return `The claim "${thrown.claim}" of the token is missing or not what this server takes.`;
  }
  if (thrown instanceof errors.JOSEAlgNotAllowed)
    return "The token is signed by an algorithm that is not allowed here.";
  if (thrown instanceof errors.JWKSNoMatchingKey)
    return "The token is signed by a key that this server does not know.";
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return "The signature of the token is wrong.";
  return "The token is malformed.";
}

/** A list of texts, or one text with spaces between. Anything else gives no role. */
function rolesAt(payload: JWTPayload, claim: string): readonly string[] {
  let at: unknown = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (at === undefined) {
    at = payload;
    for (const key of claim.split(".")) {
      at = typeof at === "object" && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined;
    }
  }
  if (typeof at === "string") return at.split(" ").filter((role) => role !== "");
  return Array.isArray(at) ? at.filter((role): role is string => typeof role === "string") : [];
}
