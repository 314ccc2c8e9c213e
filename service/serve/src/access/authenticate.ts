/** Who calls: by an API key, a bearer token or a client certificate, in this order; else nobody in particular. */
import { starPattern } from "@cupel/base";
import type { Arrival } from "../core/admission.ts";
import { anonymous, type Principal } from "../core/call.ts";
import type { ApiKeys } from "./api-key.ts";
import { authRequired } from "./auth-required.ts";
import type { TokenVerifier } from "./token.ts";

/** A client certificate that TLS verified, by the common name of its subject. */
export interface CertificateRow {
  /** With `*` for anything. */
  readonly commonName: string;
  readonly roles: readonly string[];
}

export interface AuthenticationOptions {
  readonly keys?: ApiKeys | undefined;
  readonly tokens?: TokenVerifier | undefined;
  /** The first that fits counts. */
  readonly certificates?: readonly CertificateRow[] | undefined;
  /** Of who shows nothing. Default: none. */
  readonly anonymousRoles?: readonly string[] | undefined;
}

export interface Authentication {
  /** @throws AUTH_REQUIRED where credentials came and are not valid; AUTH_UNAVAILABLE */
  authenticate(arrival: Pick<Arrival, "header" | "peer">): Promise<Principal>;
  /** As one who shows nothing. */
  readonly nobody: Principal;
}

/** Everybody is anonymous, whatever they show. */
export const noAuthentication: Authentication = {
  authenticate: async () => anonymous,
  nobody: anonymous,
};

const bearer = /^Bearer +([^ ]+)$/i;
/** Three parts of base64url, as no API key should look. */
const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]*$/;

export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { keys, tokens, anonymousRoles = [] } = options;
  const certificates = (options.certificates ?? []).map(({ commonName, roles }) => ({
    fits: starPattern(commonName),
    roles,
  }));
  const nobody: Principal = { id: anonymous.id, roles: anonymousRoles };
  const byKey = (secret: string): Principal => {
    const found = keys?.find(secret);
    if (found) return found;
    throw authRequired("The API key is not one this server knows.", "invalid_token");
  };
  return {
    nobody,
    async authenticate({ header, peer }) {
      const key = header("x-api-key");
      if (key !== undefined) return byKey(key);
      const authorization = header("authorization");
      if (authorization !== undefined) {
        const shown = bearer.exec(authorization)?.[1];
        if (shown === undefined) {
          throw authRequired(
            'The authorization must be "Bearer" and a token or an API key.',
            "invalid_token",
          );
        }
        return tokens && (!keys || tokenForm.test(shown)) ? await tokens.verify(shown) : byKey(shown);
      }
      const { certificate } = peer;
      const row = certificate === undefined ? undefined : certificates.find(({ fits }) => fits(certificate));
      return row ? { id: `certificate:${certificate}`, roles: row.roles } : nobody;
    },
  };
}
