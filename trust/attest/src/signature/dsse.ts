/**
 * DSSE, the envelope around what is signed (https://github.com/secure-systems-lab/dsse, version 1): the payload travels
 * as bytes, and the signature is over their pre-authentication encoding, so that nothing is ever parsed and written
 * again between signing and verification.
 */
import { attestErrors } from "../errors.ts";
import {
  bundleFault,
  type Fault,
  type JsonObject,
  jsonBytes,
  jsonList,
  jsonObject,
  jsonText,
  member,
} from "./json-members.ts";
import type { SigningKey, VerificationKey } from "./signing-key.ts";

/** Of in-toto statements, in OMS and in ours. */
export const inTotoPayloadType = "application/vnd.in-toto+json";

export interface Signature {
  /** DSSE calls it a hint: it is not signed, and nothing here believes it. Default "". */
  readonly keyid?: string | undefined;
  readonly sig: Buffer;
}

export interface Envelope {
  readonly payloadType: string;
  /** As found. */
  readonly payload: Buffer;
  /** One, where `parseEnvelope` made it. */
  readonly signatures: readonly Signature[];
}

/** The bytes that are signed. Lengths are of bytes, in decimal. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

export function signEnvelope(key: SigningKey, payload: Buffer, payloadType = inTotoPayloadType): Envelope {
  return { payloadType, payload, signatures: [{ sig: key.sign(preAuthEncoding(payloadType, payload)) }] };
}

/** @param where it is from, for the message. @throws DSSE_SIGNATURE_INVALID */
export function verifyEnvelope(envelope: Envelope, key: VerificationKey, where: string): void {
  const bytes = preAuthEncoding(envelope.payloadType, envelope.payload);
  const [signature, ...more] = envelope.signatures;
  if (signature !== undefined && more.length === 0 && key.verify(bytes, signature.sig)) return;
  throw attestErrors.error(
    "DSSE_SIGNATURE_INVALID",
    `The signature in ${where} is not one by the key ${key.keyId} over what it is with: either was changed, or another key signed.`,
    { details: { keyId: key.keyId, algorithm: key.algorithm } },
  );
}

/**
 * @param value parsed JSON
 * @param where it is from, for messages
 * @throws BUNDLE_INVALID, also for more than one signature: a verifier that looks at one of them would let the others
 * pass as if they had been verified
 */
export function parseEnvelope(value: unknown, where: string): Envelope {
  const fault = bundleFault(where);
  const envelope = jsonObject(value, "the envelope", fault, ["payload", "payloadType", "signatures"]);
  const signatures = jsonList(envelope, "signatures", fault);
  if (signatures.length !== 1) throw fault(`the envelope has ${signatures.length} signatures and not one`);
  return {
    payloadType: jsonText(envelope, "payloadType", fault),
    payload: jsonBytes(envelope, "payload", fault),
    signatures: signatures.map((each) => signatureOf(each, fault)),
  };
}

function signatureOf(value: unknown, fault: Fault): Signature {
  const signature = jsonObject(value, "the envelope's signature", fault, ["sig", "keyid"]);
  const sig = jsonBytes(signature, "sig", fault);
  return (member(signature, "keyid") ?? null) === null
    ? { sig }
    : { keyid: jsonText(signature, "keyid", fault), sig };
}

/** Its JSON. */
export function formatEnvelope({ payloadType, payload, signatures }: Envelope): JsonObject {
  return {
    payload: payload.toString("base64"),
    payloadType,
    signatures: signatures.map(({ keyid = "", sig }) => ({ sig: sig.toString("base64"), keyid })),
  };
}
