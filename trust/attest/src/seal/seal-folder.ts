/**
 * Seals a folder:
 *
 *     read it ─ manifest ─ attestation.json (signed by each key) ─ model.sig (OMS, by the ECDSA key, over attestation.json too)
 *
 * Both files are written under other names first. attestation.json is then renamed before model.sig: in between, and for
 * good when power fails in between, the older model.sig says that attestation.json is another, and the folder is refused.
 */
import { hash, type X509Certificate } from "node:crypto";
import { basename, join, resolve } from "node:path";
import {
  assertWritable,
  baseErrors,
  type Clock,
  lockFile,
  readRegular,
  systemClock,
  throwIfCancelled,
} from "@cupel/base";
import { type FileEntry, inPathOrder, type Manifest } from "../manifest/manifest.ts";
import { manifestRoots } from "../manifest/merkle-root.ts";
import { type ManifestOptions, readManifest } from "../manifest/read-manifest.ts";
import { signManifest } from "../oms/sign-model.ts";
import { signEnvelope } from "../signature/dsse.ts";
import type { SigningKey } from "../signature/signing-key.ts";
import {
  type AttestationContent,
  formatAttestation,
  formatStatement,
  type SealFacts,
  sequenceOf,
} from "../statement/attestation.ts";
import { mlBom } from "../statement/ml-bom.ts";
import { type Provenance, provenanceOf, type ReportFile } from "../statement/provenance.ts";
import { replaceFiles } from "./replace-files.ts";
import { attestationName, lockName, sealNames, signatureName } from "./seal-names.ts";

export interface SealOptions extends Omit<ManifestOptions, "exclude"> {
  /**
   * Each signs the attestation. At most one is of ECDSA: it signs model.sig as well, which other people's tools verify.
   * Without one there is no model.sig.
   */
  readonly keys: readonly SigningKey[];
  /** Of the ECDSA key, the signer's first: model.sig then carries it in place of the key's digest. Default none. */
  readonly certificates?: readonly X509Certificate[] | undefined;
  /** Default: that of the folder. */
  readonly name?: string | undefined;
  /** Default: none is told. */
  readonly version?: string | undefined;
  /** Of the compression that made the model. Default: nothing is told of how it was made. */
  readonly report?: ReportFile | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface Seal extends SealFacts {
  readonly manifest: Manifest;
  readonly provenance: Provenance | null;
  /** In the order of `keys`. */
  readonly keyIds: readonly string[];
  /** A sentence where a lock that a killed process had left was taken over; else null. */
  readonly remark: string | null;
}

/**
 * An older seal is replaced.
 * @throws what `readManifest` throws; REPORT_INVALID, REPORT_FOREIGN; OPTION_INVALID for keys that do not go together;
 * SIGNING_KEY_INVALID, SIGNER_CERTIFICATE_INVALID for a certificate that is not the key's or not for signing; LINK_REFUSED for
 * a link to nothing where there is a model.sig; FILE_LOCKED where another process is sealing; WRITE_FAILED, DISK_FULL
 */
export async function sealFolder(folder: string, options: SealOptions): Promise<Seal> {
  const { keys, certificates = [], report, signal, clock = systemClock } = options;
  const modelKey = modelKeyOf(keys, certificates);
  const [attestationPath, signaturePath] = [join(folder, attestationName), join(folder, signatureName)];
  await assertWritable([attestationPath, signaturePath]);
  const manifest = await readManifest(folder, { ...options, exclude: [...sealNames, lockName] });
  const provenance = report === undefined ? null : provenanceOf(report, manifest);
  await using lock = await lockFile(attestationPath, "seal");
  const now = clock.now();
  const { name = basename(resolve(folder)), version = null } = options;
  const facts: SealFacts = {
    name,
    version,
    sequence: Math.max(now, (await olderSequence(attestationPath)) + 1),
    sealedAt: new Date(now).toISOString(),
    roots: manifestRoots(manifest),
    modelKeyId: modelKey?.keyId ?? null,
  };
  const bom = mlBom({ ...facts, manifest, provenance });
  const content = { manifest, facts, provenance: provenance?.predicate ?? null, bom };
  const attestation = attestationBytes(content, keys);
  const signature =
    modelKey &&
    signManifest(folder, inPathOrder([...manifest, attestationEntry(attestation)]), {
      key: modelKey,
      certificateChain: certificates,
      name,
    });
  throwIfCancelled(signal, "Sealing");
  await lock.assertHeld();
  await replaceFiles(
    [
      { path: attestationPath, bytes: attestation },
      { path: signaturePath, bytes: signature },
    ],
    signal,
  );
  return { ...facts, manifest, provenance, keyIds: keys.map(({ keyId }) => keyId), remark: lock.remark };
}

/** @throws OPTION_INVALID */
function modelKeyOf(
  keys: readonly SigningKey[],
  certificates: readonly X509Certificate[],
): SigningKey | null {
  const refusal = (reason: string) =>
    baseErrors.error("OPTION_INVALID", reason, { details: { option: "keys" } });
  if (keys.length === 0) throw refusal("A seal needs a key at least.");
  if (new Set(keys.map(({ keyId }) => keyId)).size < keys.length) throw refusal("A key is given twice.");
  const [key = null, ...more] = keys.filter(({ algorithm }) => algorithm.startsWith("ecdsa-"));
  if (more.length > 0) {
    throw refusal("More than one key is of ECDSA, and model.sig has one signature. Give one of them.");
  }
  if (certificates.length > 0 && key === null) {
    throw refusal("The certificate is for model.sig, and no key is of ECDSA, which signs it.");
  }
  return key;
}

/** Of the seal that is there; 0 where there is none, or one that is damaged. */
async function olderSequence(path: string): Promise<number> {
  const bytes = await readRegular(path).catch(() => null);
  return (bytes && sequenceOf(bytes)) ?? 0;
}

function attestationBytes(content: AttestationContent, keys: readonly SigningKey[]): Buffer {
  const payload = formatStatement(content);
  const statements = keys.map((key) => {
    const envelope = signEnvelope(key, payload);
    return { ...envelope, signatures: envelope.signatures.map(({ sig }) => ({ keyid: key.keyId, sig })) };
  });
  return formatAttestation({ ...content, statements });
}

/** What model.sig signs besides the manifest. */
export function attestationEntry(bytes: Buffer): FileEntry {
  return {
    kind: "file",
    path: attestationName,
    size: bytes.byteLength,
    executable: false,
    sha256: hash("sha256", bytes),
    sm3: hash("sm3", bytes),
  };
}
