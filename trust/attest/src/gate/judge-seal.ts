/** What a policy says of a seal that holds. Pure. */
import { attestErrors } from "../errors.ts";
import { isSameDigest } from "../manifest/same-digest.ts";
import { fingerprintHex, type Policy } from "../policy/open-policy.ts";
import type { Signer } from "../seal/seal-trust.ts";
import type { SealVerdict } from "../seal/verify-seal.ts";

/** @throws SEAL_REVOKED, SEAL_NOT_ALLOWED */
export function judgeSeal({ revoked, roots: allowed }: Policy, seal: SealVerdict, folder: string): void {
  const { roots } = seal;
  const hasRoot = (list: readonly string[]) => has(list, roots.sha256) || has(list, roots.sm3);
  if (hasRoot(revoked.roots)) {
    throw attestErrors.error(
      "SEAL_REVOKED",
      `The policy revokes the root ${roots.sha256}, which ${folder} has. Put another version there.`,
      { details: { folder, roots } },
    );
  }
  const isRevoked = (signer: Signer): boolean => {
    if (signer.kind === "key") return has(revoked.keys, signer.keyId);
    return signer.kind === "certificate" && has(revoked.certificates, fingerprintHex(signer.fingerprint));
  };
  const signers = seal.signers.map(({ by }) => by);
  // Where one of them still counts, it stands for all that was sealed.
  if (signers.every(isRevoked)) {
    const whom = [...new Set(signers.map(signerText))].join(" and ");
    throw attestErrors.error(
      "SEAL_REVOKED",
      `${folder} is sealed by ${whom}, and the policy revokes that. Have it sealed by another key.`,
      { details: { folder, signers } },
    );
  }
  if (allowed !== null && !hasRoot(allowed)) {
    throw attestErrors.error(
      "SEAL_NOT_ALLOWED",
      `The root of ${folder} is ${roots.sha256}, which is none of those that the policy allows. Add it there if it may be loaded.`,
      { details: { folder, roots } },
    );
  }
}

function has(list: readonly string[], digest: string): boolean {
  return list.some((each) => isSameDigest(each, digest));
}

function signerText(signer: Signer): string {
  switch (signer.kind) {
    case "key":
      return `the key ${signer.keyId}`;
    case "certificate":
      return `the certificate ${signer.fingerprint}`;
    case "keyless":
      return signer.identity;
    case "root":
      return `the root ${signer.root}`;
  }
}
