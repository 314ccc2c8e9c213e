/**
 * Keys that sign and verify envelopes, from PEM: ECDSA on three curves with the hash of the curve's size, as OMS has it,
 * and Ed25519, ML-DSA and SM2, which only our own statement may be signed with.
 */
import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
  type X509Certificate,
} from "node:crypto";
import { own, reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { readPem } from "./read-pem.ts";
import { sm2PrivateNumber, sm2PublicPoint, sm2Sign, sm2Verify } from "./sm2.ts";

export const signatureAlgorithms = [
  "ecdsa-p256",
  "ecdsa-p384",
  "ecdsa-p521",
  "ed25519",
  "ml-dsa-44",
  "ml-dsa-65",
  "ml-dsa-87",
  "sm2",
] as const;

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

interface KeyFacts {
  readonly algorithm: SignatureAlgorithm;
  /** SHA-256 of `publicKeyPem`, in hex: the hint that OMS bundles carry. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, as OpenSSL writes it. */
  readonly publicKeyPem: string;
}

export interface VerificationKey extends KeyFacts {
  /** False for whatever is not its signature, such as one in another encoding. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

export interface SigningKey extends KeyFacts {
  sign(bytes: Uint8Array): Buffer;
}

/** Those of node:crypto, by curve or type. SM2 keys have neither. */
const nodeSchemes: Readonly<
  Record<string, { readonly algorithm: SignatureAlgorithm; readonly hash: string | null }>
> = {
  prime256v1: { algorithm: "ecdsa-p256", hash: "sha256" },
  secp384r1: { algorithm: "ecdsa-p384", hash: "sha384" },
  secp521r1: { algorithm: "ecdsa-p521", hash: "sha512" },
  ed25519: { algorithm: "ed25519", hash: null },
  "ml-dsa-44": { algorithm: "ml-dsa-44", hash: null },
  "ml-dsa-65": { algorithm: "ml-dsa-65", hash: null },
  "ml-dsa-87": { algorithm: "ml-dsa-87", hash: null },
};

/**
 * @param source a path, or PEM: PKCS#8 or SEC 1, encrypted or not
 * @throws SIGNING_KEY_UNREADABLE, SIGNING_KEY_INVALID, also for a wrong or missing passphrase, SIGNING_KEY_UNSUPPORTED
 */
export async function openSigningKey(source: string | Uint8Array, passphrase?: string): Promise<SigningKey> {
  const { where, blocks } = await readPem(source, "SIGNING_KEY_UNREADABLE");
  const [pem, ...more] = blocks.filter(({ label }) => /^(EC |ENCRYPTED )?PRIVATE KEY$/.test(label));
  if (pem === undefined || more.length > 0) {
    throw invalid(
      where,
      `it has ${pem === undefined ? "no private key" : "more than one private key"} in PEM`,
    );
  }
  const isEncrypted = pem.label.startsWith("ENCRYPTED") || pem.text.includes("ENCRYPTED\n");
  if (isEncrypted && passphrase === undefined)
    throw invalid(where, "it is encrypted, and no passphrase is given");
  const key = readKey(where, pem.text, () =>
    createPrivateKey({ key: pem.text, ...(isEncrypted ? { passphrase } : {}) }),
  );
  const publicKey = createPublicKey(key);
  const facts = factsOf(publicKey, where);
  const scheme = nodeSchemeOf(publicKey);
  if (scheme) return { ...facts, sign: (bytes) => signWith(scheme.hash, bytes, key) };
  const privateNumber = sm2PrivateNumber(key.export({ type: "pkcs8", format: "der" }));
  const point = sm2PublicPoint(publicKey.export({ type: "spki", format: "der" }));
  if (privateNumber === null || point === null) throw unsupported(where, publicKey);
  return { ...facts, sign: (bytes) => sm2Sign(privateNumber, point, bytes) };
}

/**
 * @param source a path, or PEM with one public key (SubjectPublicKeyInfo)
 * @throws SIGNING_KEY_UNREADABLE, SIGNING_KEY_INVALID, SIGNING_KEY_UNSUPPORTED
 */
export async function openVerificationKey(source: string | Uint8Array): Promise<VerificationKey> {
  const { where, blocks } = await readPem(source, "SIGNING_KEY_UNREADABLE");
  const [pem, ...more] = blocks;
  if (pem?.label !== "PUBLIC KEY" || more.length > 0) throw invalid(where, "it is not one public key in PEM");
  return verificationKeyOf(
    readKey(where, pem.text, () => createPublicKey(pem.text)),
    where,
  );
}

/** Of a public key at hand, such as a certificate's. @throws SIGNING_KEY_UNSUPPORTED */
export function verificationKeyOf(publicKey: KeyObject, where: string): VerificationKey {
  const facts = factsOf(publicKey, where);
  const scheme = nodeSchemeOf(publicKey);
  if (scheme) {
    return { ...facts, verify: (bytes, signature) => verifyWith(scheme.hash, bytes, publicKey, signature) };
  }
  const point = sm2PublicPoint(publicKey.export({ type: "spki", format: "der" }));
  if (point === null) throw unsupported(where, publicKey);
  return { ...facts, verify: (bytes, signature) => sm2Verify(point, bytes, signature) };
}

/** A certificate may be read and its key not. @throws SIGNING_KEY_INVALID, SIGNING_KEY_UNSUPPORTED */
export function certificateKeyOf(certificate: X509Certificate, where: string): VerificationKey {
  return verificationKeyOf(
    readKey(where, certificate.toString(), () => certificate.publicKey),
    where,
  );
}

function factsOf(publicKey: KeyObject, where: string): KeyFacts {
  const isSm2 = sm2PublicPoint(publicKey.export({ type: "spki", format: "der" })) !== null;
  const algorithm = isSm2 ? "sm2" : nodeSchemeOf(publicKey)?.algorithm;
  if (algorithm === undefined) throw unsupported(where, publicKey);
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { algorithm, publicKeyPem, keyId: hash("sha256", publicKeyPem) };
}

function nodeSchemeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  const name = asymmetricKeyType === "ec" ? asymmetricKeyDetails?.namedCurve : asymmetricKeyType;
  return own(nodeSchemes, name ?? "");
}

/** ML-DSA has the object identifiers 2.16.840.1.101.3.4.3.17 to .19; Node.js reads such keys since 24.6. */
const mlDsaMark = Buffer.from("0609608648016503040311", "hex").subarray(0, -1);

function readKey(where: string, pem: string, read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (thrown) {
    const der = Buffer.from(pem.replaceAll(/-----[^-]*-----|\s/g, ""), "base64");
    if (der.includes(mlDsaMark)) {
      throw attestErrors.error(
        "SIGNING_KEY_UNSUPPORTED",
        `The key in ${where} is one of ML-DSA, which Node.js ${process.versions.node} does not have. Use Node.js 24.6 or newer.`,
        { cause: thrown },
      );
    }
    const isDecryption = /decrypt|passphrase|interrupted/i.test(reasonOf(thrown));
    throw invalid(where, isDecryption ? "it does not open with this passphrase" : reasonOf(thrown), thrown);
  }
}

function invalid(where: string, reason: string, cause?: unknown) {
  return attestErrors.error("SIGNING_KEY_INVALID", `The key in ${where} cannot be used: ${reason}.`, {
    cause,
    details: { reason },
  });
}

function unsupported(where: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject) {
  const kind = [asymmetricKeyType ?? "another kind", asymmetricKeyDetails?.namedCurve ?? ""].join(" ").trim();
  return attestErrors.error(
    "SIGNING_KEY_UNSUPPORTED",
    `The key in ${where} is of ${kind}. Use one of ${signatureAlgorithms.join(", ")}.`,
    { details: { kind } },
  );
}
