/**
 * attestation.json: what a folder was when it was sealed, how it came about, and who says so. Signed is an in-toto
 * statement that has the roots of the manifest and the digests of all else here, once by each key.
 *
 * It is read only when each byte is as `formatAttestation` writes it: what could be written in two ways could say one
 * thing to us and another to somebody else, and a change that changes nothing would go unseen.
 *
 * https://github.com/in-toto/attestation, spec/v1
 */
import { hash } from "node:crypto";
import { attestErrors } from "../errors.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type ManifestRoots, manifestRoots } from "../manifest/merkle-root.ts";
import { parseManifest } from "../manifest/parse-manifest.ts";
import { isSameDigest } from "../manifest/same-digest.ts";
import { type Envelope, formatEnvelope, inTotoPayloadType, parseEnvelope } from "../signature/dsse.ts";
import {
  type Fault,
  type JsonObject,
  jsonList,
  jsonObject,
  jsonText,
  member,
  parseJsonBytes,
} from "../signature/json-members.ts";

export const attestationFormat = "cupel-attestation/1";
export const attestationPredicateType = "https://github.com/cupel-vision/cupel/attestation/v1";
const statementType = "https://in-toto.io/Statement/v1";

/** Bytes: 250,000 files have about 70 MB. */
const longestAttestation = 2 ** 27;

/** What the statement says. */
export interface SealFacts {
  /** Of the model: versions of one name are compared to each other. */
  readonly name: string;
  /** As the owner of the model counts; null where nothing was said. */
  readonly version: string | null;
  /** A later seal of the same folder has a larger one: milliseconds since 1970, or one more than that before. */
  readonly sequence: number;
  /** ISO 8601, UTC. By the clock of whoever sealed: nobody else stands for it. */
  readonly sealedAt: string;
  readonly roots: ManifestRoots;
  /** The key that signs model.sig, in hex; null where the seal has none. */
  readonly modelKeyId: string | null;
}

export interface AttestationContent {
  readonly manifest: Manifest;
  readonly facts: SealFacts;
  /** Predicate of SLSA provenance, version 1; null where it is not known how the model was made. */
  readonly provenance: JsonObject | null;
  /** CycloneDX 1.7. */
  readonly bom: JsonObject;
}

export interface Attestation extends AttestationContent {
  /** The same statement, each signed by another key. */
  readonly statements: readonly Envelope[];
}

/** The bytes of the statement: what is signed. */
export function formatStatement({ manifest, facts, provenance, bom }: AttestationContent): Buffer {
  const { name, version, sequence, sealedAt, roots, modelKeyId } = facts;
  return Buffer.from(
    JSON.stringify({
      _type: statementType,
      subject: [{ name, digest: { cupelTreeSha256: roots.sha256, cupelTreeSm3: roots.sm3 } }],
      predicateType: attestationPredicateType,
      predicate: {
        version,
        sequence,
        sealedAt,
        entries: manifest.length,
        modelSignature: modelKeyId === null ? null : { keyId: modelKeyId },
        provenance: provenance && { sha256: jsonDigest(provenance) },
        bom: { sha256: jsonDigest(bom) },
      },
    }),
  );
}

/** The bytes of attestation.json. Whoever greps it finds a file a line. */
export function formatAttestation({ manifest, provenance, bom, statements }: Attestation): Buffer {
  const lines = manifest.map((entry) => JSON.stringify(entry));
  const parts = {
    format: JSON.stringify(attestationFormat),
    statements: JSON.stringify(statements.map(formatEnvelope)),
    provenance: JSON.stringify(provenance),
    bom: JSON.stringify(bom),
    manifest: lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n]`,
  };
  const members = Object.entries(parts).map(([name, json]) => `${JSON.stringify(name)}: ${json}`);
  return Buffer.from(`{\n${members.join(",\n")}\n}\n`);
}

/**
 * All of it fits together then; who signed is not looked at.
 * @param where it is from, for messages
 * @throws ATTESTATION_INVALID, BUNDLE_INVALID of an envelope, MANIFEST_INVALID, NAME_COLLISION, LINK_REFUSED
 */
export function parseAttestation(bytes: Uint8Array, where: string): Attestation {
  const fault = attestationFault(where);
  if (bytes.byteLength > longestAttestation) throw fault(`it has ${bytes.byteLength} bytes`);
  const value = parseJsonBytes(bytes);
  if (value === undefined) throw fault("it is no JSON in UTF-8");
  const json = jsonObject(value, "it", fault, ["format", "statements", "provenance", "bom", "manifest"]);
  const format = jsonText(json, "format", fault);
  if (format !== attestationFormat) throw fault(`its format is not ${attestationFormat}`);
  const statements = jsonList(json, "statements", fault).map((each) => parseEnvelope(each, where));
  const [first] = statements;
  if (first === undefined) throw fault("it is not signed");
  const provenance = member(json, "provenance") ?? null;
  const attestation: Attestation = {
    manifest: parseManifest(member(json, "manifest"), where),
    facts: parseFacts(first, fault),
    provenance: provenance === null ? null : jsonObject(provenance, "provenance", fault),
    bom: jsonObject(member(json, "bom"), "bom", fault),
    statements,
  };
  checkWhole(attestation, bytes, fault);
  return attestation;
}

/** That what was signed is of what stands beside it. */
function checkWhole(attestation: Attestation, bytes: Uint8Array, fault: Fault): void {
  const { manifest, facts, statements } = attestation;
  const roots = manifestRoots(manifest);
  if (!isSameDigest(roots.sha256, facts.roots.sha256) || !isSameDigest(roots.sm3, facts.roots.sm3)) {
    throw fault("the roots of its manifest are not those that were signed");
  }
  const payload = written(() => formatStatement(attestation), fault);
  for (const statement of statements) {
    if (statement.payloadType !== inTotoPayloadType) throw fault("what is signed is no in-toto statement");
    if (!statement.payload.equals(payload)) {
      throw fault("its manifest, provenance or bill of materials is not the one that was signed");
    }
  }
  if (!written(() => formatAttestation(attestation), fault).equals(bytes)) {
    throw fault("it is not written as Cupel writes it");
  }
}

/** JSON that is nested too deeply can be read and not be written. */
function written(write: () => Buffer, fault: Fault): Buffer {
  try {
    return write();
  } catch {
    throw fault("it is nested too deeply");
  }
}

function parseFacts({ payload }: Envelope, fault: Fault): SealFacts {
  const statement = jsonObject(parseJsonBytes(payload), "the statement", fault);
  if (member(statement, "predicateType") !== attestationPredicateType) {
    throw fault(`its statement is not of the type ${attestationPredicateType}`);
  }
  const [subject] = jsonList(statement, "subject", fault);
  const named = jsonObject(subject, "the subject", fault);
  const digest = jsonObject(member(named, "digest"), "the subject's digest", fault);
  const predicate = jsonObject(member(statement, "predicate"), "the predicate", fault);
  const version = member(predicate, "version");
  const sequence = member(predicate, "sequence");
  const modelSignature = member(predicate, "modelSignature");
  if (version !== null && typeof version !== "string") throw fault("version is no text");
  if (!isSequence(sequence)) throw fault("sequence is no whole number of at least 0");
  return {
    name: jsonText(named, "name", fault),
    version,
    sequence,
    sealedAt: jsonText(predicate, "sealedAt", fault),
    roots: {
      sha256: jsonText(digest, "cupelTreeSha256", fault),
      sm3: jsonText(digest, "cupelTreeSm3", fault),
    },
    modelKeyId:
      modelSignature === null
        ? null
        : jsonText(jsonObject(modelSignature, "modelSignature", fault), "keyId", fault),
  };
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** SHA-256 of JSON as JavaScript writes it, without spaces. */
function jsonDigest(value: unknown): string {
  return hash("sha256", JSON.stringify(value));
}

function attestationFault(where: string): Fault {
  return (reason) =>
    attestErrors.error(
      "ATTESTATION_INVALID",
      `The attestation in ${where} is not valid: ${reason}. Get the folder again from whoever sealed it, or seal it again.`,
      { details: { reason } },
    );
}

/** Of an older attestation, which may be damaged; null then. */
export function sequenceOf(bytes: Uint8Array): number | null {
  try {
    return parseAttestation(bytes, "").facts.sequence;
  } catch {
    return null;
  }
}
