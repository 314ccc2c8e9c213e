/**
 * Time stamps of RFC 3161: an authority outside says that a checkpoint existed at a time, so that not even the owner of
 * the log can rewrite it later. What is stamped is SHA-256 of the text of a checkpoint. The reply is CMS signed data (RFC
 * 5652); it holds where
 *
 * - it is of that digest and, where one was sent, of that nonce;
 * - the signature is over its content, by a certificate that the reply names (RFC 5816) and that is for time stamps only;
 * - that certificate comes from an authority that the caller trusts, and all of the chain was valid at the time stated.
 *
 * Revocation is not asked for: it would need the network.
 */
import { hash, randomBytes, verify, type X509Certificate } from "node:crypto";
import { auditErrors } from "../errors.ts";
import { HASH_BYTES } from "../tree/tree-hash.ts";
import { assertChain } from "./certificate-chain.ts";
import {
  childrenOf,
  contentOf,
  contextTag,
  DerError,
  derTags,
  readDer,
  readOid,
  writeDer,
  writeOid,
} from "./der.ts";
import { post } from "./post.ts";
import type { SignedNote } from "./signed-note.ts";
import { type Signer, splitReply, type TimeStampToken } from "./time-stamp-token.ts";

const SHA256_OID = "2.16.840.1.101.3.4.2.1";
const NONCE_BYTES = 16;
const DEFAULT_TIMEOUT = 10_000;
/** Bytes; with a long chain a reply has some 6,000. */
const LONGEST_REPLY = 2 ** 18;

/** Of the text, so that cosignatures may be added. */
export function checkpointDigest({ text }: Pick<SignedNote, "text">): Buffer {
  return hash("sha256", text, "buffer");
}

export interface TimeStampQuery {
  readonly digest: Buffer;
  /** Positive; a reply must repeat it, so that it cannot be an old one. */
  readonly nonce: Buffer;
  /** To be sent as application/timestamp-query. */
  readonly bytes: Buffer<ArrayBuffer>;
}

/** @param digest SHA-256. RangeError where it is none. */
export function timeStampQuery(digest: Buffer): TimeStampQuery {
  if (digest.byteLength !== HASH_BYTES) throw new RangeError("A digest by SHA-256 has 32 bytes.");
  const nonce = randomBytes(NONCE_BYTES);
  // As an integer of DER: positive, and no byte more than it needs.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40;
  const algorithm = writeDer(derTags.sequence, writeOid(SHA256_OID), writeDer(derTags.null));
  const imprint = writeDer(derTags.sequence, algorithm, writeDer(derTags.octetString, digest));
  const version = writeDer(derTags.integer, Buffer.of(1));
  const wantsCertificate = writeDer(derTags.boolean, Buffer.of(0xff));
  const parts = [version, imprint, writeDer(derTags.integer, nonce), wantsCertificate];
  return { digest, nonce, bytes: Buffer.from(writeDer(derTags.sequence, ...parts)) };
}

export interface TimeStampOptions {
  /** Milliseconds. Default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks an authority over HTTP. Nothing in the reply is verified: see `verifyTimeStamp`.
 * @throws TIME_STAMP_UNREACHABLE; CANCELLED, DEADLINE_EXCEEDED
 */
export async function requestTimeStamp(
  url: string,
  query: TimeStampQuery,
  { timeout = DEFAULT_TIMEOUT, signal }: TimeStampOptions = {},
): Promise<Buffer> {
  const unreachable = (reason: string, cause?: unknown) =>
    auditErrors.error(
      "TIME_STAMP_UNREACHABLE",
      `The time-stamping authority ${url} gave no reply: ${reason}. The checkpoint stands without; ask again later.`,
      { cause, details: { url } },
    );
  const { status, body } = await post(url, {
    type: "application/timestamp-query",
    body: query.bytes,
    limit: LONGEST_REPLY,
    timeout,
    signal,
    unreachable,
  });
  if (status !== 200) throw unreachable(`it answered ${status}`);
  return body;
}

export interface TimeStamp {
  readonly time: Date;
  /** Milliseconds that the time may be off, as the authority says; null where it does not. */
  readonly accuracy: number | null;
  /** Its policy, dotted. */
  readonly policy: string;
  /** Of the stamp, hexadecimal. */
  readonly serial: string;
  /** Who signed. */
  readonly certificate: X509Certificate;
}

export interface TimeStampTrust {
  /** That the authority's certificate was issued by one of these, or by what they issued. */
  readonly authorities: readonly X509Certificate[];
  /** Of the query, where it is at hand; of a stamp that was stored it is not needed. */
  readonly nonce?: Buffer;
}

/**
 * @param reply application/timestamp-reply, as it came
 * @param digest that must have been stamped
 * @throws TIME_STAMP_INVALID; KEY_UNKNOWN where it comes from nobody who is trusted here
 */
export function verifyTimeStamp(
  reply: Uint8Array,
  digest: Buffer,
  { authorities, nonce }: TimeStampTrust,
): TimeStamp {
  try {
    if (reply.byteLength > LONGEST_REPLY) throw new DerError(`it has more than ${LONGEST_REPLY} bytes`);
    const token = splitReply(readDer(Buffer.from(reply)));
    const stamp = readStamp(token, digest, nonce);
    assertSignature(token, token.signer);
    assertChain(token.signer.certificate, token.certificates, authorities, stamp.time);
    return { ...stamp, certificate: token.signer.certificate };
  } catch (thrown) {
    if (!(thrown instanceof DerError)) throw thrown;
    throw auditErrors.error(
      "TIME_STAMP_INVALID",
      `This is no time stamp of the checkpoint: ${thrown.message}.`,
      { cause: thrown },
    );
  }
}

/** TSTInfo, RFC 3161 section 2.4.2. */
function readStamp(
  { content }: TimeStampToken,
  digest: Buffer,
  nonce: Buffer | undefined,
): Omit<TimeStamp, "certificate"> {
  const [version, policy, imprint, serial, time, ...optional] = childrenOf(
    readDer(content),
    derTags.sequence,
  );
  if (contentOf(version, derTags.integer)[0] !== 1) throw new DerError("it is not of version 1");
  const [algorithm, stamped] = childrenOf(imprint, derTags.sequence);
  if (readOid(childrenOf(algorithm, derTags.sequence)[0]) !== SHA256_OID) {
    throw new DerError("it is of a digest other than SHA-256");
  }
  if (!contentOf(stamped, derTags.octetString).equals(digest)) throw new DerError("it is of another digest");
  if (
    nonce !== undefined &&
    !optional.some((each) => each.tag === derTags.integer && each.content.equals(nonce))
  ) {
    throw new DerError("it answers another query: the nonce differs");
  }
  const accuracy = optional.find(({ tag }) => tag === derTags.sequence);
  return {
    time: readTime(contentOf(time, derTags.generalizedTime).toString("latin1")),
    accuracy: accuracy === undefined ? null : readAccuracy(childrenOf(accuracy, derTags.sequence)),
    policy: readOid(policy),
    serial: contentOf(serial, derTags.integer).toString("hex"),
  };
}

/** Such as "20261127004109.123Z"; finer than a millisecond is cut. */
function readTime(text: string): Date {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(text);
  if (found === null) throw new DerError("its time is not one of UTC");
  const [, year, month, day, hour, minute, second, fraction = ""] = found;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(time.getTime())) throw new DerError("its time is none");
  return time;
}

/** Seconds, milliseconds [0], microseconds [1], each optional. */
function readAccuracy(parts: readonly { readonly tag: number; readonly content: Buffer }[]): number {
  const milliseconds: ReadonlyMap<number, number> = new Map([
    [derTags.integer, 1000],
    [0x80, 1],
    [0x81, 0.001],
  ]);
  return parts.reduce((sum, { tag, content }) => {
    const unit = milliseconds.get(tag);
    if (unit === undefined || content.byteLength === 0 || content.byteLength > 6) {
      throw new DerError("its accuracy is none");
    }
    return sum + unit * content.readUIntBE(0, content.byteLength);
  }, 0);
}

function assertSignature({ content }: TimeStampToken, signer: Signer): void {
  if (!signer.messageDigest.equals(hash(signer.digest, content, "buffer"))) {
    throw new DerError("its content is not what was signed");
  }
  const { publicKey } = signer.certificate;
  if (publicKey.asymmetricKeyType !== signer.keyType)
    throw new DerError("it was signed by a key of another type");
  const digest = signer.keyType === "ed25519" ? null : signer.digest;
  // The attributes are signed as a set, and sent under another tag.
  const message = writeDer(derTags.set, contentOf(signer.attributes, contextTag(0)));
  if (!verify(digest, message, publicKey, signer.signature)) throw new DerError("its signature is wrong");
}
