/** What a reply of RFC 3161 is made of, taken apart: CMS signed data of RFC 5652. Nothing is verified here. */
import { hash, X509Certificate } from "node:crypto";
import {
  childrenOf,
  contentOf,
  contextTag,
  DerError,
  type DerValue,
  derTags,
  readDer,
  readOid,
} from "./der.ts";

const oids = {
  signedData: "1.2.840.113549.1.7.2",
  timeStampInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;

type Digest = "sha1" | "sha256" | "sha384" | "sha512";

const digests: ReadonlyMap<string, Digest> = new Map([
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

type KeyType = "rsa" | "ec" | "ed25519";

/** With the digest that the algorithm fixes, or null where another field says it. */
const signatureAlgorithms: ReadonlyMap<string, readonly [KeyType, Digest | null]> = new Map([
  ["1.2.840.113549.1.1.1", ["rsa", null]],
  ["1.2.840.113549.1.1.11", ["rsa", "sha256"]],
  ["1.2.840.113549.1.1.12", ["rsa", "sha384"]],
  ["1.2.840.113549.1.1.13", ["rsa", "sha512"]],
  ["1.2.840.10045.4.3.2", ["ec", "sha256"]],
  ["1.2.840.10045.4.3.3", ["ec", "sha384"]],
  ["1.2.840.10045.4.3.4", ["ec", "sha512"]],
  ["1.3.101.112", ["ed25519", null]],
] as const);

/** Of the reply's status; 1 is "granted with changes". */
const granted: ReadonlySet<number> = new Set([0, 1]);

export interface Signer {
  readonly certificate: X509Certificate;
  readonly digest: Digest;
  readonly keyType: KeyType;
  /** What was signed, under its tag in the reply. */
  readonly attributes: DerValue;
  /** Of the content, as the attributes have it. */
  readonly messageDigest: Buffer;
  readonly signature: Buffer;
}

export interface TimeStampToken {
  /** DER of the TSTInfo. */
  readonly content: Buffer;
  readonly certificates: readonly X509Certificate[];
  readonly signer: Signer;
}

/** @throws DerError */
export function splitReply(reply: DerValue): TimeStampToken {
  const [statusInfo, contentInfo] = childrenOf(reply, derTags.sequence);
  const [status] = childrenOf(statusInfo, derTags.sequence);
  const code = contentOf(status, derTags.integer);
  if (code.byteLength !== 1 || !granted.has(code[0] ?? -1)) {
    throw new DerError(`the authority refused, with status ${code.toString("hex")}`);
  }
  const [type, wrapped] = childrenOf(contentInfo, derTags.sequence);
  if (readOid(type) !== oids.signedData) throw new DerError("it is no signed data");
  const [, , encapsulated, ...rest] = childrenOf(childrenOf(wrapped, contextTag(0))[0], derTags.sequence);
  const [contentType, explicit] = childrenOf(encapsulated, derTags.sequence);
  if (readOid(contentType) !== oids.timeStampInfo) throw new DerError("what is signed is no time stamp");
  const content = contentOf(childrenOf(explicit, contextTag(0))[0], derTags.octetString);
  const sent = rest.find(({ tag }) => tag === contextTag(0));
  const certificates = sent === undefined ? [] : childrenOf(sent, contextTag(0)).map(certificateOf);
  const signers = childrenOf(rest.at(-1), derTags.set);
  if (signers.length !== 1) throw new DerError(`it has ${signers.length} signatures, not one`);
  return { content, certificates, signer: signerOf(signers[0], certificates) };
}

function certificateOf({ whole }: DerValue): X509Certificate {
  try {
    return new X509Certificate(whole);
  } catch {
    throw new DerError("a certificate in it is none");
  }
}

function signerOf(info: DerValue | undefined, certificates: readonly X509Certificate[]): Signer {
  const [, , digestAlgorithm, attributes, signatureAlgorithm, signature] = childrenOf(info, derTags.sequence);
  const digest = digests.get(readOid(childrenOf(digestAlgorithm, derTags.sequence)[0]));
  if (digest === undefined) throw new DerError("it was signed by a digest that is not SHA-2");
  const algorithm = readOid(childrenOf(signatureAlgorithm, derTags.sequence)[0]);
  const [keyType, fixed] = signatureAlgorithms.get(algorithm) ?? [];
  if (keyType === undefined) throw new DerError(`it was signed by an algorithm not known here, ${algorithm}`);
  if (fixed && fixed !== digest) throw new DerError("it names two digests for one signature");
  const values = attributesOf(attributes);
  if (readOid(values.get(oids.contentType)) !== oids.timeStampInfo) {
    throw new DerError("what was signed is not called a time stamp");
  }
  const certificate = certificates.find((each) => isNamedBy(values, each));
  if (certificate === undefined) throw new DerError("it has not the certificate that it says signed it");
  return {
    certificate,
    digest,
    keyType,
    attributes: attributes ?? readDer(Buffer.alloc(0)),
    messageDigest: contentOf(values.get(oids.messageDigest), derTags.octetString),
    signature: contentOf(signature, derTags.octetString),
  };
}

/** By the identifier; each has exactly one value and stands once. */
function attributesOf(attributes: DerValue | undefined): ReadonlyMap<string, DerValue> {
  const values = new Map<string, DerValue>();
  for (const attribute of childrenOf(attributes, contextTag(0))) {
    const [type, set] = childrenOf(attribute, derTags.sequence);
    const name = readOid(type);
    const [value, ...more] = childrenOf(set, derTags.set);
    if (value === undefined || more.length > 0 || values.has(name)) {
      throw new DerError("an attribute of the signature stands twice or is empty");
    }
    values.set(name, value);
  }
  return values;
}

/** RFC 5816: the attribute holds a hash of the certificate, by SHA-256 unless it says another; RFC 2634: by SHA-1. */
function isNamedBy(values: ReadonlyMap<string, DerValue>, certificate: X509Certificate): boolean {
  const second = values.get(oids.signingCertificateV2);
  const value = second ?? values.get(oids.signingCertificate);
  if (value === undefined) throw new DerError("it does not say which certificate signed it");
  const [list] = childrenOf(value, derTags.sequence);
  const parts = childrenOf(childrenOf(list, derTags.sequence)[0], derTags.sequence);
  const [algorithm] = parts[0]?.tag === derTags.sequence ? childrenOf(parts[0], derTags.sequence) : [];
  const named = algorithm === undefined ? "sha256" : digests.get(readOid(algorithm));
  if (named === undefined) throw new DerError("it names its certificate by a digest that is not SHA-2");
  const found = parts.find(({ tag }) => tag === derTags.octetString);
  const digest = hash(second === undefined ? "sha1" : named, certificate.raw, "buffer");
  return contentOf(found, derTags.octetString).equals(digest);
}
