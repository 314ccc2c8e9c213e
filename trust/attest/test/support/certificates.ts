/**
 * Certificates of X.509 for tests, written from what they should say: an authority that is none, one that has ended, a
 * signer that may not sign. node:crypto reads certificates and makes none.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";

export interface Issued {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  readonly name: string;
  /** PEM of the private key, PKCS#8. */
  readonly keyPem: Buffer;
}

export interface CertificateOptions {
  /** Who signs it. Default itself. */
  readonly by?: Issued | undefined;
  readonly name?: string | undefined;
  /** Years of the first and the last day. Default 2020 and 2049. */
  readonly years?: readonly [number, number] | undefined;
  /** Null for no basic constraints. Default false. */
  readonly ca?: boolean | null | undefined;
  readonly pathLength?: number | undefined;
  /** Null for no key usage. Default digitalSignature of a signer, keyCertSign of an authority. */
  readonly usage?: readonly ("digitalSignature" | "keyCertSign")[] | null | undefined;
  /** Dotted. Default code signing of a signer. */
  readonly purposes?: readonly string[] | undefined;
  /** Another extension, critical, by the hex of its identifier. */
  readonly extension?: string | undefined;
  readonly curve?: string | undefined;
  /** Whose keys it is for. Default new ones. */
  readonly keys?: Issued | undefined;
}

const codeSigning = "2b06010505070303";
export const serverAuthentication = "2b06010505070301";

/** ecdsa-with-SHA256. */
const algorithm = sequence(oid("2a8648ce3d040302"));
const usageBits = { digitalSignature: 0x80, keyCertSign: 0x04 } as const;
let serial = 1;

export function issue(options: CertificateOptions = {}): Issued {
  const privateKey =
    options.keys?.privateKey ??
    generateKeyPairSync("ec", { namedCurve: options.curve ?? "P-256" }).privateKey;
  const { ca = false, name = ca ? "Authority" : "Signer", years = [2020, 2049] } = options;
  const by = options.by ?? { privateKey, name };
  const usage =
    options.usage === undefined ? ([ca ? "keyCertSign" : "digitalSignature"] as const) : options.usage;
  const purposes = options.purposes ?? (ca ? [] : [codeSigning]);
  const constraints = [
    ...(ca ? [der(0x01, Buffer.of(0xff))] : []),
    ...(options.pathLength === undefined ? [] : [der(0x02, Buffer.of(options.pathLength))]),
  ];
  const bits = (usage ?? []).reduce((sum, each) => sum | usageBits[each], 0);
  const extensions = [
    ...(ca === null ? [] : [extension("551d13", sequence(...constraints))]),
    ...(usage === null ? [] : [extension("551d0f", der(0x03, Buffer.of(0, bits)))]),
    ...(purposes.length === 0 ? [] : [extension("551d25", sequence(...purposes.map(oid)))]),
    ...(options.extension === undefined ? [] : [extension(options.extension, sequence())]),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(serial++ % 127)),
    algorithm,
    named(by.name),
    sequence(...years.map((year) => der(0x17, Buffer.from(`${String(year).slice(2)}0101000000Z`)))),
    named(name),
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = sign("sha256", body, by.privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const keyPem = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
  return { certificate: new X509Certificate(whole), privateKey, name, keyPem };
}

function extension(identifier: string, value: Buffer): Buffer {
  return sequence(oid(identifier), der(0x01, Buffer.of(0xff)), der(0x04, value));
}

function named(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
