/**
 * Who signed what, found from the bytes of a signature alone: nothing is read, and a socket is not opened. The payload
 * is verified as it was found, and only then parsed.
 */
import type { X509Certificate } from "node:crypto";
import { attestErrors } from "../errors.ts";
import type { KeylessTrust } from "../keyless/verify-keyless.ts";
import { type Bundle, parseBundle } from "../signature/bundle.ts";
import { fingerprintOf, subjectOf, verifyCertificateChain } from "../signature/certificate-chain.ts";
import { inTotoPayloadType, verifyEnvelope } from "../signature/dsse.ts";
import { bundleFault } from "../signature/json-members.ts";
import { certificateKeyOf, type VerificationKey } from "../signature/signing-key.ts";
import { type ModelStatement, parseStatement } from "./statement.ts";

/** Whom to believe. Whoever is in none of them is unknown. */
export interface ModelTrust {
  /** ECDSA keys; others sign no model.sig. */
  readonly publicKeys?: readonly VerificationKey[] | undefined;
  /** Of authorities, or of signers themselves. */
  readonly certificates?: readonly X509Certificate[] | undefined;
  readonly keyless?: KeylessTrust | undefined;
}

export type ModelSigner =
  | { readonly kind: "key"; readonly keyId: string }
  /** `fingerprint`: SHA-256 of the certificate, in lower-case hex. */
  | { readonly kind: "certificate"; readonly subject: string; readonly fingerprint: string }
  | { readonly kind: "keyless"; readonly identity: string; readonly issuer: string };

export interface SignedStatement {
  readonly signer: ModelSigner;
  readonly statement: ModelStatement;
}

/**
 * @param where it is from, for messages
 * @throws BUNDLE_INVALID, BUNDLE_UNSUPPORTED, SIGNER_UNKNOWN, SIGNER_CERTIFICATE_INVALID, SIGNING_KEY_UNSUPPORTED,
 * DSSE_SIGNATURE_INVALID, KEYLESS_REFUSED, TRUSTED_ROOT_INVALID, STATEMENT_INVALID,
 * STATEMENT_PATH_REFUSED, STATEMENT_UNSUPPORTED, MODEL_EMPTY
 */
export async function verifyBundle(
  bytes: Uint8Array,
  trust: ModelTrust,
  where: string,
): Promise<SignedStatement> {
  const bundle = parseBundle(bytes, where);
  const { payload, payloadType } = bundle.envelope;
  if (payloadType !== inTotoPayloadType)
    throw bundleFault(where)(`its payloadType is not ${inTotoPayloadType}`);
  try {
    const signer = await signerOf(bundle, trust, where);
    return { signer, statement: parseStatement(payload, where) };
  } catch (thrown) {
    // A statement of 0.2 is signed over other bytes: say so, and not that its signature is wrong.
    if (isSignatureFault(thrown)) assertNotOld(payload, where);
    throw thrown;
  }
}

async function signerOf(bundle: Bundle, trust: ModelTrust, where: string): Promise<ModelSigner> {
  const { material, envelope } = bundle;
  switch (material.kind) {
    case "publicKey": {
      const { keyId } = verifyByKey(bundle, material.hint, trust.publicKeys ?? [], where);
      return { kind: "key", keyId };
    }
    case "certificateChain": {
      const [leaf, ...others] = material.certificates;
      if (leaf === undefined) throw bundleFault(where)("it has no certificate");
      verifyCertificateChain(leaf, others, trust.certificates ?? [], where);
      verifyEnvelope(envelope, forModels(certificateKeyOf(leaf, where), where), where);
      return { kind: "certificate", subject: subjectOf(leaf), fingerprint: fingerprintOf(leaf) };
    }
    case "certificate": {
      if (trust.keyless === undefined) {
        throw signerUnknown(where, "keyless, and no trusted root, identity and issuer are given", {});
      }
      const { verifyKeyless } = await import("../keyless/verify-keyless.ts");
      return { kind: "keyless", ...verifyKeyless(bundle.json, trust.keyless, where) };
    }
  }
}

function verifyByKey(
  { envelope }: Bundle,
  hint: string | null,
  keys: readonly VerificationKey[],
  where: string,
): VerificationKey {
  const candidates = keys.filter(({ keyId }) => hint === null || keyId === hint);
  const [first, ...more] = candidates;
  if (first === undefined) {
    const who =
      hint === null ? "by a key, and none is given" : `by the key ${hint}, which is none of those given`;
    throw signerUnknown(where, who, { keyId: hint });
  }
  // Without a hint any of them may be meant.
  for (const key of more.length === 0 ? [] : candidates.filter(isForModels)) {
    try {
      verifyEnvelope(envelope, key, where);
      return key;
    } catch (thrown) {
      if (!isSignatureFault(thrown)) throw thrown;
    }
  }
  verifyEnvelope(envelope, forModels(first, where), where);
  return first;
}

function isForModels({ algorithm }: VerificationKey): boolean {
  return algorithm.startsWith("ecdsa-");
}

/** @throws SIGNING_KEY_UNSUPPORTED for what OMS does not have */
export function forModels<Key extends Pick<VerificationKey, "algorithm">>(key: Key, where: string): Key {
  if (key.algorithm.startsWith("ecdsa-")) return key;
  throw attestErrors.error(
    "SIGNING_KEY_UNSUPPORTED",
    `The key for ${where} is of ${key.algorithm}. Models are signed by ECDSA on P-256, P-384 or P-521: use such a key.`,
    { details: { kind: key.algorithm } },
  );
}

function signerUnknown(where: string, who: string, details: Readonly<Record<string, unknown>>) {
  return attestErrors.error("SIGNER_UNKNOWN", `The signature in ${where} is ${who}. Give what you trust.`, {
    details,
  });
}

function isSignatureFault(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "DSSE_SIGNATURE_INVALID";
}

function assertNotOld(payload: Buffer, where: string): void {
  try {
    parseStatement(payload, where);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "STATEMENT_UNSUPPORTED") throw thrown;
  }
}
