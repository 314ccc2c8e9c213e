/** Who signed an envelope, of those that are trusted. */
import type { X509Certificate } from "node:crypto";
import { attestErrors } from "../errors.ts";
import type { Bundle } from "../signature/bundle.ts";
import { verifyCertificateChain } from "../signature/certificate-chain.ts";
import { type Envelope, preAuthEncoding, verifyEnvelope } from "../signature/dsse.ts";
import { type VerificationKey, verificationKeyOf } from "../signature/signing-key.ts";

export type Signer =
  | { readonly kind: "key"; readonly keyId: string; readonly algorithm: string }
  | { readonly kind: "certificate"; readonly subject: string; readonly fingerprint: string }
  | { readonly kind: "keyless"; readonly identity: string; readonly issuer: string }
  /** Nobody signed: this root of the folder's tree is trusted by itself. In hex. */
  | { readonly kind: "root"; readonly root: string };

/** Anyone that is named here may have sealed. Default: nobody. */
export interface SealTrust {
  readonly keys?: readonly VerificationKey[] | undefined;
  /** Of authorities, or signers' own. */
  readonly certificates?: readonly X509Certificate[] | undefined;
  /** Of trees, by SHA-256 or SM3, in lower-case hex: such folders need no signature. */
  readonly roots?: readonly string[] | undefined;
}

/**
 * @param where it is from, for messages
 * @throws SIGNER_UNKNOWN, SIGNER_CERTIFICATE_INVALID, SIGNING_KEY_UNSUPPORTED, DSSE_SIGNATURE_INVALID, BUNDLE_UNSUPPORTED
 */
export function bundleSigner(
  { material, envelope }: Bundle,
  { keys = [], certificates = [] }: SealTrust,
  where: string,
): Signer {
  if (material.kind === "publicKey") {
    const { hint } = material;
    const key = keys.find(({ keyId }) => keyId === hint) ?? envelopeKey(envelope, keys);
    if (key === null) throw signerUnknown(where, hint === null ? [] : [hint]);
    verifyEnvelope(envelope, key, where);
    return { kind: "key", keyId: key.keyId, algorithm: key.algorithm };
  }
  const [leaf, ...others] = material.kind === "certificate" ? [] : material.certificates;
  if (leaf === undefined) {
    throw attestErrors.error(
      "BUNDLE_UNSUPPORTED",
      `The signature in ${where} is keyless. Seal with a key or a certificate.`,
    );
  }
  verifyCertificateChain(leaf, others, certificates, where);
  verifyEnvelope(envelope, verificationKeyOf(leaf.publicKey, where), where);
  return {
    kind: "certificate",
    subject: leaf.subject.replaceAll("\n", ", "),
    fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** The key whose signature the envelope has; what it says of its key is not believed. Null for none of them. */
export function envelopeKey(
  { payloadType, payload, signatures }: Envelope,
  keys: readonly VerificationKey[],
): VerificationKey | null {
  const bytes = preAuthEncoding(payloadType, payload);
  return keys.find((key) => signatures.every(({ sig }) => key.verify(bytes, sig))) ?? null;
}

/** @param keyIds those that say to have signed */
export function signerUnknown(where: string, keyIds: readonly string[]) {
  const said = keyIds.length === 0 ? "" : ` It says to be sealed by the key ${keyIds.join(" and ")}.`;
  return attestErrors.error(
    "SIGNER_UNKNOWN",
    `None of those that are trusted sealed ${where}.${said} Give the public key or certificate of whoever sealed it, if you trust them.`,
    { details: { keyIds } },
  );
}
