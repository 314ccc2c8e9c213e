/**
 * A policy with the keys and certificates that it names. It is read anew before each verification: what is revoked in the
 * file does not count for the next model that is loaded, without a restart.
 */
import type { X509Certificate } from "node:crypto";
import { dirname, resolve } from "node:path";
import { CupelError, openRegular, reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { openCertificates } from "../signature/certificate-chain.ts";
import { openVerificationKey, type VerificationKey } from "../signature/signing-key.ts";
import { parsePolicy, policyFault } from "./parse-policy.ts";
import type { SignerDocument } from "./policy-schema.ts";

/** Bytes. */
const longestPolicy = 2 ** 20;

export interface Policy {
  /** Whose seals count; roots by themselves only where there are no signers. */
  readonly trust: {
    readonly keys: readonly VerificationKey[];
    readonly certificates: readonly X509Certificate[];
    readonly roots: readonly string[];
  };
  /** Null: any. */
  readonly roots: readonly string[] | null;
  readonly revoked: {
    readonly roots: readonly string[];
    readonly keys: readonly string[];
    /** In lower-case hex without colons. */
    readonly certificates: readonly string[];
  };
  /** Path of the file that keeps the latest seals; null where roll-back is allowed. */
  readonly state: string | null;
}

/**
 * @param path of the policy's file; those in it are relative to its folder
 * @throws POLICY_UNREADABLE, POLICY_INVALID, also for a key or certificate in it
 */
export async function openPolicy(path: string): Promise<Policy> {
  const file = resolve(path);
  const document = parsePolicy(await textOf(file), file);
  const { signers, roots = null, revoked = {}, state } = document;
  return {
    trust: {
      ...(await trustOf(signers ?? [], file)),
      roots: signers === undefined ? (roots ?? []) : [],
    },
    roots,
    revoked: {
      roots: revoked.roots ?? [],
      keys: revoked.keys ?? [],
      certificates: (revoked.certificates ?? []).map(fingerprintHex),
    },
    state: state === undefined ? null : resolve(dirname(file), state),
  };
}

/** The form in which fingerprints are compared. */
export function fingerprintHex(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

async function trustOf(
  signers: readonly SignerDocument[],
  file: string,
): Promise<Pick<Policy["trust"], "keys" | "certificates">> {
  const keys: VerificationKey[] = [];
  const certificates: X509Certificate[] = [];
  const beside = (path: string) => resolve(dirname(file), path);
  const source = (pem: string) => (pem.includes("-----BEGIN ") ? Buffer.from(pem) : beside(pem));
  for (const [i, signer] of signers.entries()) {
    const at = `/signers/${i}`;
    if ("key" in signer) {
      keys.push(await told(file, `${at}/key`, () => openVerificationKey(source(signer.key))));
    } else {
      const found = await told(file, `${at}/certificate`, () => openCertificates(source(signer.certificate)));
      certificates.push(...found);
    }
  }
  return { keys, certificates };
}

/** What is wrong with a file that a policy names is a mistake of the policy, told by its place there. */
async function told<T>(file: string, pointer: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    const reason = reasonOf(thrown).replace(/\.$/, "");
    throw policyFault(file, pointer, `cannot be used: ${reason}`, thrown);
  }
}

async function textOf(path: string): Promise<string> {
  try {
    await using file = await openRegular(path);
    const { size } = await file.stat();
    if (size > longestPolicy) throw new Error(`it has ${size} bytes, and ${longestPolicy} are the most`);
    return await file.readFile("utf8");
  } catch (thrown) {
    throw attestErrors.error(
      "POLICY_UNREADABLE",
      `The policy ${path} cannot be read: ${reasonOf(thrown)}. Nothing is loaded without it: check the path and its permissions.`,
      { cause: thrown, details: { path } },
    );
  }
}
