/** A model's signature by OMS v1.0, in the form that other people's tools verify. */
import type { X509Certificate } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";
import type { DigestPoolOptions } from "../manifest/digest-pool.ts";
import { type Digests, inPathOrder, type Manifest } from "../manifest/manifest.ts";
import { readManifest } from "../manifest/read-manifest.ts";
import { formatBundle } from "../signature/bundle.ts";
import { assertForSigning, subjectOf } from "../signature/certificate-chain.ts";
import { signEnvelope } from "../signature/dsse.ts";
import { certificateKeyOf, type SigningKey } from "../signature/signing-key.ts";
import { gitPaths, modelSignatureFile } from "./default-exclusions.ts";
import { filesOf, followLinks, linksOf } from "./follow-links.ts";
import { formatStatement, isIgnored, modelEmpty } from "./statement.ts";
import { forModels } from "./verify-bundle.ts";

export interface SignManifestOptions {
  /** ECDSA: OMS has no other. */
  readonly key: SigningKey;
  /** The signer's first, of the same key. Default none: then verifiers need the key itself. */
  readonly certificateChain?: readonly X509Certificate[] | undefined;
  /** Files and folders that are not signed, besides model.sig and what belongs to git at the top. Default none. */
  readonly exclude?: readonly string[] | undefined;
  /** Nothing depends on it. Default the folder's. */
  readonly name?: string | undefined;
}

export interface SignModelOptions extends SignManifestOptions, DigestPoolOptions {}

export interface SignedModel {
  /** What was written to model.sig. */
  readonly bundle: Buffer;
  readonly manifest: Manifest;
}

/**
 * Writes model.sig into the folder, in the place of an older one.
 * @throws SIGNING_KEY_UNSUPPORTED, SIGNING_KEY_INVALID, SIGNER_CERTIFICATE_INVALID, MODEL_EMPTY, LINK_REFUSED for one
 * that leads to nothing; as `readManifest`; WRITE_FAILED, DISK_FULL
 */
export async function signModel(folder: string, options: SignModelOptions): Promise<SignedModel> {
  forModels(options.key, folder);
  const ignore = [...gitPaths, ...(options.exclude ?? [])];
  const manifest = await readManifest(folder, { ...options, exclude: [modelSignatureFile], ignore });
  const bundle = signManifest(folder, manifest, options);
  await writeFileAtomically(join(folder, modelSignatureFile), [bundle], { signal: options.signal });
  return { bundle, manifest };
}

/**
 * The bytes of model.sig.
 * @param folder for its name, and for messages
 * @param manifest of it, in which SM3 is signed where it has it
 * @throws as `signModel`
 */
export function signManifest(
  folder: string,
  manifest: Manifest<"sha256">,
  { key, certificateChain, exclude = [], name = basename(resolve(folder)) }: SignManifestOptions,
): Buffer {
  forModels(key, folder);
  const [leaf] = certificateChain ?? [];
  if (leaf !== undefined) assertLeaf(leaf, key, folder);
  const ignorePaths = [...gitPaths, modelSignatureFile, ...exclude];
  const allowSymlinks = linksOf(manifest).some(({ path }) => !isIgnored(path, ignorePaths));
  const { files, left } = followLinks(manifest);
  const dangling = left.find(({ path }) => !isIgnored(path, ignorePaths));
  if (dangling !== undefined) {
    throw attestErrors.error(
      "LINK_REFUSED",
      `The link ${shown(dangling.path)} in ${folder} leads to nothing that is signed, so that it cannot be. Remove it.`,
      { details: { path: dangling.path, target: dangling.target } },
    );
  }
  const signed: (Digests<"sha256"> & Partial<Digests<"sm3">> & { path: string; size: number })[] =
    inPathOrder([...filesOf(manifest), ...files]).filter(({ path }) => !isIgnored(path, ignorePaths));
  if (signed.length === 0) throw modelEmpty(folder);
  const payload = formatStatement({
    name,
    resources: signed.map(({ path, size, sha256, sm3 = null }) => ({ path, range: null, sha256, sm3, size })),
    serialization: { shardSize: null, allowSymlinks, ignorePaths },
  });
  const material =
    certificateChain === undefined || leaf === undefined
      ? ({ kind: "publicKey", hint: key.keyId } as const)
      : ({ kind: "certificateChain", certificates: certificateChain } as const);
  return formatBundle(material, signEnvelope(key, payload));
}

/** @throws SIGNING_KEY_INVALID, SIGNER_CERTIFICATE_INVALID */
function assertLeaf(leaf: X509Certificate, key: SigningKey, folder: string): void {
  assertForSigning(leaf, folder);
  if (certificateKeyOf(leaf, folder).keyId === key.keyId) return;
  throw attestErrors.error(
    "SIGNING_KEY_INVALID",
    `The first certificate for ${folder} is that of another key. Give the signer's first.`,
    { details: { subject: subjectOf(leaf), keyId: key.keyId } },
  );
}
