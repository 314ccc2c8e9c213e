/** Of a sealed folder, and of one that has the model.sig of other people's tools alone: the same answer. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type Difference,
  type SealSigner,
  type SealVerdict,
  type VerifyOptions,
  verifyModel,
  verifySeal,
} from "@cupel/attest";
import type { GivenTrust } from "./key-options.ts";

export interface FolderVerdict {
  readonly isValid: boolean;
  readonly name: string;
  readonly signers: readonly SealSigner[];
  readonly differences: readonly Difference[];
  /** Count, of those that were signed. */
  readonly files: number;
  /** Null of a model.sig alone. */
  readonly seal: SealVerdict | null;
}

/** @param signatureFile its name in the folder. @throws what `verifySeal` and `verifyModel` throw */
export async function verifyFolder(
  folder: string,
  signatureFile: string,
  trust: GivenTrust,
  options: VerifyOptions,
): Promise<FolderVerdict> {
  const has = async (name: string) => (await stat(join(folder, name)).catch(() => null)) !== null;
  if ((await has("attestation.json")) || !(await has(signatureFile))) {
    const seal = await verifySeal(folder, trust, options);
    const { isValid, name, signers, differences, files } = seal;
    return { isValid, name, signers, differences, files: files.size, seal };
  }
  const bundle = await readFile(join(folder, signatureFile));
  const { keys: publicKeys, certificates, keyless } = trust;
  const { signer, statement, differences } = await verifyModel(
    folder,
    bundle,
    { publicKeys, certificates, keyless },
    { ...options, signatureFile },
  );
  return {
    isValid: differences.length === 0,
    name: statement.name,
    signers: [{ signed: "model.sig", by: signer }],
    differences,
    files: new Set(statement.resources.map(({ path }) => path)).size,
    seal: null,
  };
}
