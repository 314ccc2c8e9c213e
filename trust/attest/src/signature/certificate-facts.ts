/**
 * What a certificate says that it may be used for (RFC 5280 section 4.2.1), and node:crypto does not tell. The certificate
 * was read by OpenSSL before; this finds its extensions in the DER.
 */
import type { X509Certificate } from "node:crypto";

export interface CertificateFacts {
  /** Null where it does not say: then for all. */
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | null;
  /** How many authorities may stand between it and the signer; null for any. */
  readonly pathLength: number | null;
  /** Limits that are not looked at here, by object identifier in hex. Whoever set them must not be disregarded. */
  readonly unheeded: readonly string[];
}

interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

const tags = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, sequence: 0x30 } as const;
const extensionsTag = 0xa3;

/** Object identifiers below 2.5.29, in the hex of their DER. */
const identifiers = {
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  nameConstraints: "551d1e",
  certificatePolicies: "551d20",
  policyConstraints: "551d24",
  extKeyUsage: "551d25",
} as const;

/** Critical or not, these do not make a certificate unfit: they are looked at, or limit nothing that is asked here. */
const heeded: readonly string[] = [
  identifiers.keyUsage,
  identifiers.subjectAltName,
  identifiers.basicConstraints,
  identifiers.certificatePolicies,
  identifiers.extKeyUsage,
];
/** These limit others though they need not be critical. */
const limiting: readonly string[] = [identifiers.nameConstraints, identifiers.policyConstraints];

/** Null where its extensions cannot be read, or one stands there twice. */
export function certificateFacts({ raw }: X509Certificate): CertificateFacts | null {
  try {
    return factsOf(raw);
  } catch {
    return null;
  }
}

/** @throws RangeError */
function factsOf(raw: Buffer): CertificateFacts {
  const [certificate] = valuesIn(raw);
  const [body] = valuesIn(contentOf(certificate, tags.sequence));
  const wrapped = valuesIn(contentOf(body, tags.sequence)).find(({ tag }) => tag === extensionsTag);
  const list = wrapped === undefined ? [] : valuesIn(contentOf(valuesIn(wrapped.content)[0], tags.sequence));
  const extensions = list.map((each) => {
    const [identifier, ...rest] = valuesIn(contentOf(each, tags.sequence));
    const isCritical = rest[0]?.tag === tags.boolean && rest[0].content[0] !== 0;
    return {
      name: identifier?.content.toString("hex") ?? "",
      isCritical,
      value: valuesIn(contentOf(rest.at(-1), tags.octetString))[0],
    };
  });
  const byName = new Map(extensions.map(({ name, value }) => [name, value]));
  if (byName.size !== extensions.length) throw new RangeError("an extension stands there twice");
  const usage = byName.get(identifiers.keyUsage);
  const constraints = byName.get(identifiers.basicConstraints);
  return {
    keyUsage: usage === undefined ? null : usageOf(contentOf(usage, tags.bitString)),
    pathLength: constraints === undefined ? null : pathLengthOf(contentOf(constraints, tags.sequence)),
    unheeded: extensions
      .filter(({ name, isCritical }) => limiting.includes(name) || (isCritical && !heeded.includes(name)))
      .map(({ name }) => name),
  };
}

/** @param bits after a byte that says how many of the last do not count. The first bit is the highest. */
function usageOf(bits: Buffer): NonNullable<CertificateFacts["keyUsage"]> {
  const first = bits[1] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

function pathLengthOf(constraints: Buffer): number | null {
  const length = valuesIn(constraints).find(({ tag }) => tag === tags.integer);
  if (length === undefined) return null;
  if (length.content.length > 6) throw new RangeError("a path length is too large");
  return length.content.readIntBE(0, length.content.length);
}

function contentOf(value: Value | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError("another value stands where one of the certificate belongs");
  return value.content;
}

function valuesIn(bytes: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at + 1);
    const count = first < 0x80 ? 0 : first - 0x80;
    const begin = at + 2 + count;
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
    if (begin + length > bytes.length) throw new RangeError("a value goes beyond its end");
    values.push({ tag: bytes.readUInt8(at), content: bytes.subarray(begin, begin + length) });
    at = begin + length;
  }
  return values;
}
