/**
 * Certificates for a day, of servers and clients that one process starts for itself: tests, and comparisons over TLS. DER
 * (X.690) by hand, because Node signs bytes but makes no certificates.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

type Der = Uint8Array;

function der(tag: number, ...parts: readonly Der[]): Der {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}
const sequence = (...parts: readonly Der[]) => der(0x30, ...parts);
const set = (...parts: readonly Der[]) => der(0x31, ...parts);
const text = (value: string) => der(0x0c, Buffer.from(value));
const octets = (value: Der) => der(0x04, value);
const integer = (value: Der) => der(0x02, value);
const yes = der(0x01, Uint8Array.of(0xff));
const bits = (value: Der) => der(0x03, Uint8Array.of(0), value);
const time = (date: Date) =>
  der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
/** Object identifiers, encoded. */
const oid = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  subjectAltName: [0x55, 0x1d, 0x11],
} as const;
const identifier = (name: keyof typeof oid) => der(0x06, Uint8Array.from(oid[name]));
const named = (name: string) => sequence(set(sequence(identifier("commonName"), text(name))));

export interface ThrowawayCertificate {
  /** The common name of its subject. */
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/**
 * ECDSA over P-256. An authority where `issuer` is absent, else what that signed: a certificate for localhost and for an
 * address.
 * @param address of IPv4. Default 127.0.0.1
 */
export function makeThrowawayCertificate(
  name: string,
  issuer?: ThrowawayCertificate,
  address = "127.0.0.1",
): ThrowawayCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer: KeyObject = issuer ? createPrivateKey(issuer.key) : privateKey;
  const algorithm = sequence(identifier("ecdsaWithSha256"));
  const now = Date.now();
  const hour = 3_600_000;
  const extension = issuer
    ? sequence(
        identifier("subjectAltName"),
        octets(
          sequence(
            der(0x82, Buffer.from("localhost")),
            der(0x87, Uint8Array.from(address.split(".").map(Number))),
          ),
        ),
      )
    : sequence(identifier("basicConstraints"), yes, octets(sequence(yes)));
  const toBeSigned = sequence(
    der(0xa0, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(1, ...randomBytes(8))),
    algorithm,
    named(issuer?.name ?? name),
    sequence(time(new Date(now - hour)), time(new Date(now + 24 * hour))),
    named(name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension)),
  );
  const body = sequence(toBeSigned, algorithm, bits(sign("sha256", toBeSigned, signer)));
  const base64 =
    Buffer.from(body)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    name,
    certificate: `-----BEGIN CERTIFICATE-----\n${base64.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
