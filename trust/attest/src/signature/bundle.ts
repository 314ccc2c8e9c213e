/**
 * The Sigstore bundle around an envelope, version 0.3, as OMS uses it: what signed, the envelope, and for keyless
 * signatures the entries of the log. Read strictly, and with bounds: it comes from whoever made the folder.
 *
 * https://github.com/sigstore/protobuf-specs, sigstore_bundle.proto
 */
import { X509Certificate } from "node:crypto";
import { own } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";
import { type Envelope, formatEnvelope, parseEnvelope } from "./dsse.ts";
import {
  bundleFault,
  type Fault,
  isObject,
  type JsonObject,
  jsonBytes,
  jsonList,
  jsonObject,
  jsonText,
  member,
  parseJsonBytes,
} from "./json-members.ts";

export const bundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** The same version, as its first writers named it. */
const oldMediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/** What is to verify the signature with, as the bundle says: who it is must be known from elsewhere. */
export type VerificationMaterial =
  /** SHA-256 of the key's PEM, in hex; null in bundles older than model-signing 1.1, which carry the key. */
  | { readonly kind: "publicKey"; readonly hint: string | null }
  /** The signer's first. */
  | { readonly kind: "certificateChain"; readonly certificates: readonly X509Certificate[] }
  /** Of a keyless signature, short-lived. */
  | { readonly kind: "certificate"; readonly certificate: X509Certificate };

export interface Bundle {
  readonly material: VerificationMaterial;
  readonly envelope: Envelope;
  /** The whole of it as found, for keyless verification: entries of the log and time stamps are looked at there only. */
  readonly json: JsonObject;
}

/** Bytes: 250,000 files have about 60 MB. */
const longestBundle = 2 ** 27;
const mostCertificates = 16;

/**
 * @param where it is from, for messages
 * @throws BUNDLE_INVALID, BUNDLE_UNSUPPORTED for another version of bundles
 */
export function parseBundle(bytes: Uint8Array, where: string): Bundle {
  const fault = bundleFault(where);
  if (bytes.byteLength > longestBundle) throw fault(`it has ${bytes.byteLength} bytes`);
  const value = parseJsonBytes(bytes);
  if (value === undefined) throw fault("it is no JSON in UTF-8");
  const json = jsonObject(value, "it", fault, ["mediaType", "verificationMaterial", "dsseEnvelope"]);
  const mediaType = jsonText(json, "mediaType", fault);
  if (mediaType !== bundleMediaType && mediaType !== oldMediaType) {
    throw attestErrors.error(
      "BUNDLE_UNSUPPORTED",
      `The signature in ${where} is of the type ${shown(mediaType.slice(0, 100))}. Only ${bundleMediaType} is verified: sign again.`,
    );
  }
  return {
    material: materialOf(member(json, "verificationMaterial"), fault),
    envelope: parseEnvelope(member(json, "dsseEnvelope"), where),
    json,
  };
}

const materials: Readonly<Record<string, (value: unknown, fault: Fault) => VerificationMaterial>> = {
  publicKey: (value, fault) => {
    const identifier = jsonObject(value, "publicKey", fault);
    if (member(identifier, "hint") !== undefined) {
      const hint = jsonText(identifier, "hint", fault);
      return { kind: "publicKey", hint: hint === "" ? null : hint };
    }
    jsonBytes(identifier, "rawBytes", fault);
    return { kind: "publicKey", hint: null };
  },
  x509CertificateChain: (value, fault) => {
    const chain = jsonObject(value, "x509CertificateChain", fault, ["certificates"]);
    const list = jsonList(chain, "certificates", fault);
    if (list.length === 0 || list.length > mostCertificates) {
      throw fault(`certificates has ${list.length} and not 1 to ${mostCertificates}`);
    }
    return { kind: "certificateChain", certificates: list.map((each) => certificateOf(each, fault)) };
  },
  certificate: (value, fault) => ({ kind: "certificate", certificate: certificateOf(value, fault) }),
};
const materialNames = Object.keys(materials);

function materialOf(value: unknown, fault: Fault): VerificationMaterial {
  const material = jsonObject(value, "verificationMaterial", fault, [
    ...materialNames,
    "tlogEntries",
    "timestampVerificationData",
  ]);
  const [name = "", ...more] = materialNames.filter((each) => member(material, each) !== undefined);
  const read = own(materials, name);
  if (read === undefined || more.length > 0) {
    throw fault(`verificationMaterial must have one of ${materialNames.join(", ")}`);
  }
  const entries =
    member(material, "tlogEntries") === undefined ? [] : jsonList(material, "tlogEntries", fault);
  if (!entries.every(isObject)) throw fault("an entry of tlogEntries is no object");
  if (name === "certificate" && entries.length === 0) {
    throw fault("a keyless signature must have an entry of the log in tlogEntries");
  }
  return read(member(material, name), fault);
}

function certificateOf(value: unknown, fault: Fault): X509Certificate {
  const bytes = jsonBytes(jsonObject(value, "a certificate", fault), "rawBytes", fault);
  try {
    const certificate = new X509Certificate(bytes);
    // What OpenSSL did not read of it would be in no signature.
    if (certificate.raw.equals(bytes)) return certificate;
  } catch {
    // Told below.
  }
  throw fault("a certificate is not one of X.509 in DER");
}

/** The bytes of a file. */
export function formatBundle(
  material: Exclude<VerificationMaterial, { kind: "certificate" }>,
  envelope: Envelope,
): Buffer {
  const verificationMaterial =
    material.kind === "publicKey"
      ? { publicKey: { hint: material.hint } }
      : {
          x509CertificateChain: {
            certificates: material.certificates.map(({ raw }) => ({ rawBytes: raw.toString("base64") })),
          },
        };
  const bundle = {
    mediaType: bundleMediaType,
    verificationMaterial: { ...verificationMaterial, tlogEntries: [] },
    dsseEnvelope: formatEnvelope(envelope),
  };
  return Buffer.from(`${JSON.stringify(bundle, null, 2)}\n`);
}
