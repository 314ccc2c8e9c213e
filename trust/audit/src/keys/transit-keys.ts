/**
 * Keys that never leave a key management service: the transit engine of HashiCorp Vault and OpenBao over HTTP
 * (https://openbao.org/api-docs/secret/transit/), which wraps and unwraps. A version of its key is a key here: rotated there, the next
 * opening of a record wraps under the new one.
 */
import { setTimeout as pause } from "node:timers/promises";
import { reasonOf } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { KeyProvider } from "./key-provider.ts";

export interface TransitOptions {
  /** Such as "https://vault.example.com:8200". Cleartext is for this machine only: unwrapped keys come over it. */
  readonly url: string;
  /** Where the engine is mounted. Default: transit */
  readonly mount?: string | undefined;
  readonly keyName: string;
  readonly token: string;
  /** Of one attempt, in ms. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Where it does not answer, answers 429 or 5xx. Default 3. */
  readonly attempts?: number | undefined;
  /** In ms, before the second attempt; doubled before each further one. Default 200. */
  readonly pauseMs?: number | undefined;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** @throws MASKING_KEY_INVALID where the URL is none or cleartext to another machine */
export function openTransitKeys(options: TransitOptions): KeyProvider {
  const { keyName, mount = "transit", timeoutMs = 5_000, attempts = 3, pauseMs = 200 } = options;
  const base = parseUrl(options.url);
  const name = `the key ${keyName} of ${base.origin}`;
  const path = (operation: string) =>
    new URL(`v1/${mount}/${operation}/${encodeURIComponent(keyName)}`, `${base.href.replace(/\/*$/, "")}/`);

  const once = async (operation: string, body: object | null): Promise<Response> => {
    const response = await fetch(path(operation), {
      method: body === null ? "GET" : "POST",
      headers: { "x-vault-token": options.token, "content-type": "application/json" },
      body: body === null ? null : JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    // What it says may repeat what it was sent: a status is all that is told on.
    if (response.status === 429 || response.status >= 500) throw new Error(`it answered ${response.status}`);
    return response;
  };

  /** @returns the member of that name of what it answers */
  const ask = async (operation: string, body: object | null, member: string): Promise<unknown> => {
    let reason = "";
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await pause(pauseMs * 2 ** (attempt - 1));
      try {
        const response = await once(operation, body);
        if (!response.ok) throw refused(name, operation, response.status);
        return memberOf(await response.json(), member);
      } catch (thrown) {
        if (thrown instanceof Error && thrown.name === "CupelError") throw thrown;
        reason = reasonWithCause(thrown);
      }
    }
    throw auditErrors.error(
      "KEY_PROVIDER_UNAVAILABLE",
      `${name} could not be asked to ${operation}, in ${attempts} attempts: ${reason}. Check that the service runs and is unsealed.`,
    );
  };

  const version = (keyId: string): number => {
    const [, its] = keyId.startsWith(`${keyName}:v`) ? keyId.split(/:v(?=\d+$)/) : [];
    if (its !== undefined) return Number(its);
    throw auditErrors.error(
      "MASKING_KEY_INVALID",
      `The keys of subjects are wrapped under ${keyId}, which is no version of ${name}. Name the provider that has it.`,
    );
  };

  return {
    name,
    async currentKeyId() {
      const latest = await ask("keys", null, "latest_version");
      if (typeof latest === "number" && Number.isSafeInteger(latest)) return `${keyName}:v${latest}`;
      throw senseless(name, "keys");
    },
    async wrap(keyId, plain) {
      const body = { plaintext: Buffer.from(plain).toString("base64"), key_version: version(keyId) };
      const wrapped = await ask("encrypt", body, "ciphertext");
      if (typeof wrapped === "string") return Buffer.from(wrapped);
      throw senseless(name, "encrypt");
    },
    async unwrap(keyId, wrapped) {
      version(keyId);
      const plain = await ask("decrypt", { ciphertext: Buffer.from(wrapped).toString() }, "plaintext");
      if (typeof plain === "string") return Buffer.from(plain, "base64");
      throw senseless(name, "decrypt");
    },
    async [Symbol.asyncDispose]() {},
  };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (url && isSafe && url.username === "") return url;
  throw auditErrors.error(
    "MASKING_KEY_INVALID",
    "The address of the key service must be an https URL without a user; http is for this machine only.",
  );
}

function memberOf(answer: unknown, member: string): unknown {
  const data = typeof answer === "object" && answer !== null && "data" in answer ? answer.data : null;
  return typeof data === "object" && data !== null
    ? Object.entries(data).find(([name]) => name === member)?.[1]
    : undefined;
}

function refused(name: string, operation: string, status: number) {
  const advice =
    status === 403
      ? "Give its token the policy for keys, encrypt and decrypt."
      : "Check the name of the key, and that it still has all versions that something is wrapped under.";
  return auditErrors.error(
    "MASKING_KEY_INVALID",
    `${name} refused to ${operation}, with ${status}. ${advice}`,
  );
}

function senseless(name: string, operation: string) {
  return auditErrors.error(
    "KEY_PROVIDER_UNAVAILABLE",
    `${name} answered ${operation} with something else. Check that the address is that of a transit engine.`,
  );
}

/** `fetch` says "fetch failed" and keeps the reason apart. */
function reasonWithCause(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? reasonOf(thrown) : reasonOf(cause);
}
