/**
 * Verifies a sealed folder, cheapest first:
 *
 *     attestation.json ─ whole, and its own signatures ─┐
 *     model.sig ─ of this attestation.json, its signer ─┴─ is any of them trusted? ─ read the folder ─ differences
 *
 * A signature by a key that is trusted must hold; one by a key that is not says nothing, and one of those that are trusted
 * is enough. Only the folder's own files are read, and nothing is asked of a network.
 */
import { join } from "node:path";
import { CupelError, readRegular, reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { compareManifests, type Difference } from "../manifest/compare-manifests.ts";
import type { HashName, Manifest } from "../manifest/manifest.ts";
import { type ManifestOptions, readManifest, readSha256Manifest } from "../manifest/read-manifest.ts";
import { isSameDigest } from "../manifest/same-digest.ts";
import { compareModel } from "../oms/compare-model.ts";
import { isIgnored, parseStatement } from "../oms/statement.ts";
import { verifyBundle } from "../oms/verify-bundle.ts";
import { type Bundle, parseBundle } from "../signature/bundle.ts";
import { verifyEnvelope } from "../signature/dsse.ts";
import type { JsonObject } from "../signature/json-members.ts";
import { verificationKeyOf } from "../signature/signing-key.ts";
import { type Attestation, parseAttestation, type SealFacts } from "../statement/attestation.ts";
import { type ProvenanceFacts, provenanceFacts } from "../statement/provenance-facts.ts";
import { attestationEntry } from "./seal-folder.ts";
import { attestationName, sealNames, signatureName } from "./seal-names.ts";
import { envelopeKey, type SealTrust, type Signer, sealerUnknown } from "./seal-trust.ts";

export interface VerifyOptions extends Omit<ManifestOptions, "exclude" | "cache"> {
  /** Default both. SHA-256 alone finds every difference in a quarter of the time. */
  readonly hashes?: readonly HashName[] | undefined;
}

export interface SealSigner {
  readonly signed: "attestation.json" | "model.sig" | "root";
  readonly by: Signer;
}

export interface SealVerdict extends Omit<SealFacts, "modelKeyId"> {
  /** Whether the folder is as it was sealed: there are no differences. */
  readonly isValid: boolean;
  /** Those that are trusted, at least one. */
  readonly signers: readonly SealSigner[];
  readonly differences: readonly Difference[];
  /** As it was sealed. */
  readonly manifest: Manifest;
  /** As they were sealed: SHA-256 by path. */
  readonly files: ReadonlyMap<string, string>;
  /** SLSA provenance, version 1; null where nothing is told of how the model was made. */
  readonly provenance: JsonObject | null;
  /** What stands in it of a compression; null for any other. */
  readonly origin: ProvenanceFacts | null;
  /** CycloneDX 1.7. */
  readonly bom: JsonObject;
}

/**
 * @throws SEAL_MISSING, SEAL_INCOMPLETE, ATTESTATION_INVALID, BUNDLE_INVALID, DSSE_SIGNATURE_INVALID, SIGNER_UNKNOWN,
 * SIGNER_CERTIFICATE_INVALID, and what `parseManifest`, `parseStatement` of OMS and `readManifest` throw
 */
export async function verifySeal(
  folder: string,
  trust: SealTrust,
  options: VerifyOptions = {},
): Promise<SealVerdict> {
  const { hashes = ["sha256", "sm3"], ...reading } = options;
  const [attestationBytes, signatureBytes] = await Promise.all([
    readSealFile(folder, attestationName),
    readSealFile(folder, signatureName),
  ]);
  if (attestationBytes === null) throw withoutAttestation(folder, signatureBytes !== null);
  const attestation = parseAttestation(attestationBytes, join(folder, attestationName));
  const { facts, manifest, provenance, bom } = attestation;
  const signers = [
    ...attestationSigners(attestation, trust, folder),
    ...(await modelSigners(attestation, attestationBytes, signatureBytes, trust, folder)),
    ...rootSigners(facts, trust),
  ];
  if (signers.length === 0) throw sealerUnknown(folder, keyIdsOf(attestation));
  const readFolder = hashes.includes("sm3") ? readManifest : readSha256Manifest;
  const differences = compareManifests(
    manifest,
    await readFolder(folder, { ...reading, exclude: sealNames }),
  );
  const { modelKeyId: _, ...told } = facts;
  return {
    ...told,
    isValid: differences.length === 0,
    signers,
    differences,
    manifest,
    files: new Map(manifest.flatMap((each) => (each.kind === "file" ? [[each.path, each.sha256]] : []))),
    provenance,
    origin: provenanceFacts(provenance),
    bom,
  };
}

/** Null where there is none. @throws FOLDER_UNREADABLE */
async function readSealFile(folder: string, name: string): Promise<Buffer | null> {
  const path = join(folder, name);
  try {
    return await readRegular(path);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return null;
    throw attestErrors.error(
      "FOLDER_UNREADABLE",
      `${path} cannot be read: ${reasonOf(thrown)}. Check the path and its permissions.`,
      { cause: thrown, details: { path } },
    );
  }
}

function withoutAttestation(folder: string, hasSignature: boolean) {
  if (hasSignature) return incomplete(folder, `${signatureName} is there, and ${attestationName} is not`);
  return attestErrors.error(
    "SEAL_MISSING",
    `${folder} is not sealed: it has neither ${attestationName} nor ${signatureName}. Check the path, or seal it: cupel seal.`,
    { details: { folder } },
  );
}

function attestationSigners(
  { statements }: Attestation,
  { keys = [] }: SealTrust,
  folder: string,
): SealSigner[] {
  const where = join(folder, attestationName);
  return statements.flatMap((statement) => {
    const claimed = keys.find(({ keyId }) => statement.signatures.some(({ keyid }) => keyid === keyId));
    if (claimed !== undefined) verifyEnvelope(statement, claimed, where);
    const key = claimed ?? envelopeKey(statement, keys);
    if (key === null) return [];
    return [{ signed: attestationName, by: { kind: "key", keyId: key.keyId } }];
  });
}

/** That it is of this attestation is found out whoever signed it. */
async function modelSigners(
  { facts, manifest }: Attestation,
  attestationBytes: Buffer,
  signatureBytes: Buffer | null,
  { keys = [], certificates }: SealTrust,
  folder: string,
): Promise<SealSigner[]> {
  if (facts.modelKeyId === null) {
    if (signatureBytes === null) return [];
    throw incomplete(
      folder,
      `${signatureName} is of another seal: ${attestationName} was sealed without one`,
    );
  }
  if (signatureBytes === null) {
    throw incomplete(folder, `${signatureName} is gone, or the sealing ended before it was written`);
  }
  const where = join(folder, signatureName);
  const bundle = parseBundle(signatureBytes, where);
  const sealed = [...manifest, attestationEntry(attestationBytes)];
  if (signingKeyId(bundle, where) !== facts.modelKeyId || !isOf(bundle, sealed, where)) {
    throw incomplete(
      folder,
      `${signatureName} is not of this ${attestationName}: one of them was replaced, or the sealing was interrupted between them`,
    );
  }
  const publicKeys = keys.filter(({ algorithm }) => algorithm.startsWith("ecdsa-"));
  try {
    const { signer } = await verifyBundle(signatureBytes, { publicKeys, certificates }, where);
    return [{ signed: signatureName, by: signer }];
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "SIGNER_UNKNOWN") return [];
    throw thrown;
  }
}

/** As the bundle says. Null where no key of somebody's own signed. */
function signingKeyId({ material }: Bundle, where: string): string | null {
  if (material.kind === "publicKey") return material.hint;
  const [leaf] = material.kind === "certificate" ? [] : material.certificates;
  return leaf === undefined ? null : verificationKeyOf(leaf.publicKey, where).keyId;
}

/** Links and folders that OMS does not sign are in attestation.json, which it signs. */
function isOf({ envelope }: Bundle, sealed: Manifest, where: string): boolean {
  const statement = parseStatement(envelope.payload, where);
  const { ignorePaths } = statement.serialization;
  const signed = sealed.filter(({ path }) => !isIgnored(path, ignorePaths));
  return (
    signed.some(({ path }) => path === attestationName) &&
    compareModel(statement, { manifest: signed, shards: null }).length === 0
  );
}

function rootSigners({ roots }: SealFacts, { roots: trusted = [] }: SealTrust): SealSigner[] {
  const root = trusted.find((each) => isSameDigest(each, roots.sha256) || isSameDigest(each, roots.sm3));
  return root === undefined ? [] : [{ signed: "root", by: { kind: "root", root } }];
}

function keyIdsOf({ statements }: Attestation): string[] {
  return statements.flatMap(({ signatures }) => signatures.flatMap(({ keyid }) => keyid ?? []));
}

function incomplete(folder: string, reason: string) {
  return attestErrors.error(
    "SEAL_INCOMPLETE",
    `The seal of ${folder} is not whole: ${reason}. Seal it again, or get it again from whoever sealed it.`,
    { details: { folder, reason } },
  );
}
