/**
 * A folder against its seal and a policy, all that needs no server: what the gate asks of every folder with a model, and
 * the guard of an application's own.
 */
import type { Progress } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import type { Difference } from "../manifest/compare-manifests.ts";
import { describeDifference } from "../manifest/describe-difference.ts";
import { type HashName, hashNames } from "../manifest/manifest.ts";
import type { Policy } from "../policy/open-policy.ts";
import { admitSeal } from "../policy/seen-seals.ts";
import { type SealVerdict, verifySeal } from "../seal/verify-seal.ts";
import { judgeSeal } from "./judge-seal.ts";

export interface VerifyFolderOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** As many as a person reads in a message, and as a program gets in the details. */
const toldDifferences = 10;
const keptDifferences = 1000;

/**
 * The seal holds then, by somebody the policy trusts; what the policy says besides is not looked at. SHA-256 first, which
 * finds every difference in a quarter of the time; then SM3 as well.
 * @throws SEAL_BROKEN and what `verifySeal` throws
 */
export async function verifyFolder(
  folder: string,
  policy: Policy,
  options: VerifyFolderOptions = {},
): Promise<SealVerdict> {
  await verifyBy(["sha256"], folder, policy, options);
  return await verifyBy(hashNames, folder, policy, options);
}

async function verifyBy(
  hashes: readonly HashName[],
  folder: string,
  { trust }: Policy,
  options: VerifyFolderOptions,
): Promise<SealVerdict> {
  const seal = await verifySeal(folder, trust, { ...options, hashes });
  if (!seal.isValid) throw broken(folder, seal.differences);
  return seal;
}

/**
 * What the policy says of a seal that holds, and whether a later one was seen.
 * @throws SEAL_REVOKED, SEAL_NOT_ALLOWED, SEAL_ROLLED_BACK, and what keeping the seal throws
 */
export async function admitFolder(
  folder: string,
  policy: Policy,
  seal: SealVerdict,
  signal?: AbortSignal,
): Promise<void> {
  judgeSeal(policy, seal, folder);
  if (policy.state === null) return;
  const { name, sequence, sealedAt, roots } = seal;
  const later = await admitSeal(policy.state, { name, sequence, root: roots.sha256 }, signal);
  if (later === null) return;
  throw attestErrors.error(
    "SEAL_ROLLED_BACK",
    `${folder} holds "${name}" as it was sealed at ${sealedAt} (sequence ${sequence}), and a seal with sequence ${later.sequence} was seen already. ` +
      "Seal it again if it is to come back, or allow roll-back in the policy.",
    { details: { folder, name, sequence, root: roots.sha256, seen: later } },
  );
}

function broken(folder: string, differences: readonly Difference[]) {
  const told = differences.slice(0, toldDifferences).map(describeDifference);
  const more = differences.length - told.length;
  return attestErrors.error(
    "SEAL_BROKEN",
    `${folder} is not what was sealed: ${told.join("; ")}${more > 0 ? `; and ${more} more` : ""}. Get it again from whoever sealed it.`,
    { details: { folder, differences: differences.slice(0, keptDifferences), count: differences.length } },
  );
}
