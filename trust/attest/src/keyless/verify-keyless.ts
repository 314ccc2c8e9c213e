/**
 * Keyless signatures, of a certificate that lived for minutes: verified by Sigstore's own library with a trusted root that
 * the caller brings, so that nothing is fetched. The library is loaded here and nowhere else; a caller imports this
 * module when it has such a signature, and never before.
 *
 * The root counts as of when it was given: it says until when each authority and each log was one.
 */

import { reasonOf } from "@cupel/base";
import { bundleFromJSON, type SerializedBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type Signer, toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { attestErrors } from "../errors.ts";
import { isObject, type JsonObject, member } from "../signature/json-members.ts";

export interface KeylessTrust {
  /** The parsed JSON of a `trusted_root.json`. */
  readonly trustedRoot: unknown;
  /** The whole subject alternative name of the certificate, such as an address or the URL of a workflow. */
  readonly identity: string;
  /** Who vouched for that, such as "https://token.actions.githubusercontent.com". */
  readonly issuer: string;
}

export type KeylessSigner = Pick<KeylessTrust, "identity" | "issuer">;

/**
 * @param bundle its JSON. Of what it signs, only an envelope is in it
 * @param where it is from, for messages
 * @param artifact what a bundle without an envelope signs. Default none: then an envelope is needed
 * @throws TRUSTED_ROOT_INVALID, KEYLESS_REFUSED, SIGNER_UNKNOWN where somebody else signed
 */
export function verifyKeyless(
  bundle: JsonObject,
  { trustedRoot, identity, issuer }: KeylessTrust,
  where: string,
  artifact?: Buffer,
): KeylessSigner {
  const root = trustedRootOf(trustedRoot);
  let signer: Signer;
  try {
    // The library checks the shape itself.
    const parsed = bundleFromJSON(bundle as SerializedBundle);
    signer = new Verifier(toTrustMaterial(root)).verify(toSignedEntity(parsed, artifact));
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : null;
    throw attestErrors.error(
      "KEYLESS_REFUSED",
      `The keyless signature in ${where} does not verify: ${reasonOf(thrown)}.`,
      { cause: thrown, details: { code } },
    );
  }
  // By its own policy the library takes an identity for a pattern.
  const found = {
    identity: signer.identity?.subjectAlternativeName,
    issuer: signer.identity?.extensions?.issuer,
  };
  if (found.identity === identity && found.issuer === issuer) return { identity, issuer };
  throw attestErrors.error(
    "SIGNER_UNKNOWN",
    `The keyless signature in ${where} is by ${found.identity}, for whom ${found.issuer} vouches, and not by ${identity} of ${issuer}.`,
    { details: found },
  );
}

const rootMembers = ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"] as const;

function trustedRootOf(value: unknown): TrustedRoot {
  const fault = (reason: string, cause?: unknown) =>
    attestErrors.error(
      "TRUSTED_ROOT_INVALID",
      `The trusted root is none: ${reason}. Take trusted_root.json from Sigstore's repository of roots.`,
      { cause, details: { reason } },
    );
  if (!isObject(value)) throw fault("it is no object");
  for (const name of rootMembers) {
    const list = member(value, name) ?? [];
    if (!Array.isArray(list)) throw fault(`${name} is no list`);
    // The library takes one without a beginning for one that was always trusted.
    if (!list.every(hasBeginning)) throw fault(`one of ${name} does not say since when it is trusted`);
  }
  try {
    return TrustedRoot.fromJSON(value);
  } catch (thrown) {
    throw fault(reasonOf(thrown), thrown);
  }
}

/** Of a log it stands with its key. */
function hasBeginning(value: unknown): boolean {
  if (!isObject(value)) return false;
  const holder = member(value, "publicKey") ?? value;
  const period = isObject(holder) ? member(holder, "validFor") : undefined;
  return isObject(period) && typeof member(period, "start") === "string";
}
