/**
 * API keys. The server knows the SHA-256 of each, never the key: who reads its configuration can call nothing. A key
 * is random and long, so that one round of SHA-256 is enough, unlike for a password. All digests are compared, each in
 * constant time, so that the time of a refusal says nothing of any of them.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { Principal } from "../core/call.ts";

export interface ApiKey {
  /** Stands in logs and metrics. */
  readonly name: string;
  /** SHA-256 of the key's UTF-8 bytes, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly roles: readonly string[];
}

export interface ApiKeys {
  /** Null where nobody has that key. */
  find(secret: string): Principal | null;
}

export function createApiKeys(keys: readonly ApiKey[]): ApiKeys {
  const known = keys.map(({ name, sha256, roles }) => ({
    digest: Buffer.from(sha256, "hex"),
    principal: { id: `key:${name}`, roles },
  }));
  return {
    find(secret) {
      const digest = hash("sha256", secret, "buffer");
      let found: Principal | null = null;
      for (const each of known) {
        if (timingSafeEqual(each.digest, digest)) found = each.principal;
      }
      return found;
    },
  };
}
