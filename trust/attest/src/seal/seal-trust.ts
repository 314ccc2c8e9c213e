/** Whom to believe that a folder is what it should be, and who of them stands behind a statement. */
import type { X509Certificate } from "node:crypto";
import { attestErrors } from "../errors.ts";
import type { ModelSigner } from "../oms/verify-bundle.ts";
import { type Envelope, preAuthEncoding } from "../signature/dsse.ts";
import type { VerificationKey } from "../signature/signing-key.ts";

/** Anyone that is named here may have sealed. Default: nobody. */
export interface SealTrust {
  readonly keys?: readonly VerificationKey[] | undefined;
  /** Of authorities, or signers' own: for model.sig. */
  readonly certificates?: readonly X509Certificate[] | undefined;
  /** Of trees, by SHA-256 or SM3, in lower-case hex: such folders need no signature. */
  readonly roots?: readonly string[] | undefined;
}

export type Signer =
  | ModelSigner
  /** Nobody signed: this root of the folder's tree is trusted by itself. In hex. */
  | { readonly kind: "root"; readonly root: string };

/** The key whose signature the envelope has; what it says of its key is not believed. Null for none of them. */
export function envelopeKey(
  { payloadType, payload, signatures }: Envelope,
  keys: readonly VerificationKey[],
): VerificationKey | null {
  const bytes = preAuthEncoding(payloadType, payload);
  return keys.find((key) => signatures.every(({ sig }) => key.verify(bytes, sig))) ?? null;
}

/** @param keyIds those that say to have signed */
export function sealerUnknown(folder: string, keyIds: readonly string[]) {
  return attestErrors.error(
    "SIGNER_UNKNOWN",
    `None of those that are trusted sealed ${folder}. It says to be sealed by the key ${keyIds.join(" and ")}. ` +
      "Give the public key or certificate of whoever sealed it, if you trust them.",
    { details: { keyIds } },
  );
}
