// First: it refuses a Node.js that is too old in a sentence, before a module here fails on one.
import "@cupel/base";

export { type ArchiveOptions, readArchive } from "./archive/read-archive.ts";
export { type AttestErrorCode, attestErrors } from "./errors.ts";
export { type AttestationGateOptions, openAttestationGate } from "./gate/attestation-gate.ts";
export type { KeylessTrust } from "./keyless/verify-keyless.ts";
export {
  type ComparedEntry,
  compareManifests,
  type Difference,
  type ExpectedEntry,
} from "./manifest/compare-manifests.ts";
export { describeDifference } from "./manifest/describe-difference.ts";
export type { DigestCacheOptions } from "./manifest/digest-cache.ts";
export {
  type Digests,
  type FileEntry,
  type FileFacts,
  type FolderEntry,
  type HashName,
  hashNames,
  type LinkEntry,
  type Manifest,
  type ManifestEntry,
} from "./manifest/manifest.ts";
export { type ManifestRoots, manifestRoots } from "./manifest/merkle-root.ts";
export { manifestSchema, parseManifest } from "./manifest/parse-manifest.ts";
export { type ManifestOptions, readManifest, readSha256Manifest } from "./manifest/read-manifest.ts";
export { type SignedModel, type SignModelOptions, signModel } from "./oms/sign-model.ts";
export type { ModelStatement, Resource, Serialization } from "./oms/statement.ts";
export type { ModelSigner, ModelTrust, SignedStatement } from "./oms/verify-bundle.ts";
export { type ModelVerdict, type VerifyModelOptions, verifyModel } from "./oms/verify-model.ts";
export { policySchema } from "./policy/policy-schema.ts";
export { type Seal, type SealOptions, sealFolder } from "./seal/seal-folder.ts";
export type { SealTrust, Signer } from "./seal/seal-trust.ts";
export { type SealSigner, type SealVerdict, type VerifyOptions, verifySeal } from "./seal/verify-seal.ts";
export { openCertificates } from "./signature/certificate-chain.ts";
export {
  openSigningKey,
  openVerificationKey,
  type SignatureAlgorithm,
  type SigningKey,
  signatureAlgorithms,
  type VerificationKey,
} from "./signature/signing-key.ts";
export type { SealFacts } from "./statement/attestation.ts";
export { isReport, type Provenance, type ReportFile } from "./statement/provenance.ts";
export type { ProvenanceFacts } from "./statement/provenance-facts.ts";
export {
  type DifferenceFigure,
  type Figures,
  type MeasuredFigure,
  readFigures,
} from "./statement/report-figures.ts";
