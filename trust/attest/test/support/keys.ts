/** Keys for tests, made anew in each run: those of an algorithm as one who signs and one who verifies. */
import { generateKeyPairSync } from "node:crypto";
import {
  openSigningKey,
  openVerificationKey,
  type SigningKey,
  type VerificationKey,
} from "../../src/index.ts";

export interface KeyPair {
  readonly signing: SigningKey;
  readonly verification: VerificationKey;
  readonly privatePem: string;
  readonly publicPem: string;
}

/** @param algorithm as node:crypto names it, or the curve of an EC key */
export async function keyPair(algorithm: string): Promise<KeyPair> {
  const encodings = {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  } as const;
  const isCurve = algorithm.startsWith("P-") || algorithm === "SM2";
  const { privateKey, publicKey } = isCurve
    ? generateKeyPairSync("ec", { namedCurve: algorithm, ...encodings })
    : // The types name each algorithm with its own options; this one comes as a text.
      (generateKeyPairSync as (type: string, options: object) => { privateKey: string; publicKey: string })(
        algorithm,
        encodings,
      );
  return {
    signing: await openSigningKey(Buffer.from(privateKey)),
    verification: await openVerificationKey(Buffer.from(publicKey)),
    privatePem: privateKey,
    publicPem: publicKey,
  };
}
