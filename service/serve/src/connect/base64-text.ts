/**
 * The text mode of gRPC-Web, `application/grpc-web-text`: the frames as base64, for browsers whose requests give text
 * alone. Whoever writes may end a piece of base64 with its padding at any time and begin the next one; we do so after
 * every frame, so that a message can be read when it is there.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
import {
  assertByteStreamRequest,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { serveErrors } from "../errors.ts";
import { connectErrorOf } from "../grpc/connect-error.ts";

const textType = "application/grpc-web-text";
const binaryType = "application/grpc-web";

/** @param type in lower case */
export function isTextType(type: string): boolean {
  return type.startsWith(textType);
}

/** Whether the answer is text: as the header Accept says, or else as the request is. */
export function wantsText(accept: string | null, isText: boolean): boolean {
  const types = (accept ?? "").split(",").map((type) => type.trim().toLowerCase());
  const named = types.find((type) => type.startsWith(binaryType));
  return named === undefined ? isText : isTextType(named);
}

/** The request as binary mode has it. */
export function fromText(asked: UniversalServerRequest): UniversalServerRequest {
  assertByteStreamRequest(asked);
  return { ...asked, header: retyped(asked.header, textType, binaryType), body: decodeBase64(asked.body) };
}

/** The response of binary mode as text. */
export function toText(told: UniversalServerResponse): UniversalServerResponse {
  const { header = new Headers(), body } = told;
  if (body === undefined) return told;
  return { ...told, header: retyped(header, binaryType, textType), body: encodeBase64(body) };
}

function retyped(header: Headers, from: string, to: string): Headers {
  const made = new Headers(header);
  made.set("content-type", (header.get("content-type") ?? "").replace(from, to));
  return made;
}

export async function* encodeBase64(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const { buffer, byteOffset, byteLength } of frames)
    yield Buffer.from(Buffer.from(buffer, byteOffset, byteLength).toString("base64"), "latin1");
}

/** Pieces of base64, each with its padding, cut anywhere. @throws REQUEST_INVALID, as an error of the protocol */
export async function* decodeBase64(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = "";
  for await (const { buffer, byteOffset, byteLength } of chunks) {
    const text = rest + Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
    const whole = text.length - (text.length % groupLength);
    rest = text.slice(whole);
    if (whole > 0) yield decoded(text.slice(0, whole));
  }
  if (rest !== "") throw malformed(`ends ${groupLength - rest.length} characters early`);
}

/** So many characters are three bytes; fewer bytes where they end with padding. */
const groupLength = 4;

function decoded(text: string): Uint8Array {
  // Padding stands at the end of a piece, and a piece is whole groups: after it the next one begins.
  const pieces = text.match(/[^=]+={0,2}/g) ?? [];
  const isWhole = pieces.join("") === text && pieces.every((each) => each.length % groupLength === 0);
  if (!isWhole) throw malformed("has padding where none can be");
  if (!/^[A-Za-z0-9+/=]*$/.test(text)) throw malformed("has characters that base64 has not");
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
}

function malformed(what: string): Error {
  return connectErrorOf(
    serveErrors.error("REQUEST_INVALID", `The base64 of the body ${what}. Send it padded, in whole groups.`),
  );
}
