/**
 * Finds the `data` arrays of the inputs of an inference request in the bytes of its JSON (RFC 8259), and parses what
 * is left. The numbers are read later, straight into the array of their datatype: no list of boxed numbers is made,
 * and INT64 keeps its digits. In what is parsed, each `data` is `[k]`: the array at the k-th span.
 */
import { serveErrors } from "../errors.ts";

export interface Span {
  /** Of the opening bracket. */
  readonly start: number;
  /** After the closing one. */
  readonly end: number;
}

export interface LocatedData {
  readonly value: unknown;
  readonly spans: readonly Span[];
}

/** Arrays and objects within each other; no tensor has more dimensions. */
const deepest = 64;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The head of a request whose tensors are bytes behind it is short and has no `data`: it is parsed as it is. */
const shortHead = 4096;

function hasData(bytes: Buffer): boolean {
  // A key may be written with escapes.
  return bytes.length > shortHead || bytes.includes('"data"') || bytes.includes(backslash);
}

/** @throws REQUEST_INVALID */
export function locateData(bytes: Buffer): LocatedData {
  const text = (start: number, end: number): string => {
    try {
      return decoder.decode(bytes.subarray(start, end));
    } catch (cause) {
      throw serveErrors.error("REQUEST_INVALID", "The JSON is not UTF-8. Send it as UTF-8.", { cause });
    }
  };
  if (!hasData(bytes)) return { value: parse(text(0, bytes.length)), spans: [] };
  const spans: Span[] = [];
  const isObject = new Uint8Array(deepest + 1);
  let depth = 0;
  /** Whether a string at this place would be a key. */
  let wantsKey = false;
  let inInputs = false;
  let kept = "";
  let copied = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === quote) {
      const end = stringEnd(bytes, at);
      if (wantsKey && (depth === 1 || (depth === 3 && inInputs))) {
        const name = keyOf(text(at, end));
        const value = afterColon(bytes, end);
        if (depth === 1) inInputs = name === "inputs";
        else if (name === "data" && value !== null) {
          if (bytes[value] !== openBracket) throw notAnArray();
          const span = { start: value, end: arrayEnd(bytes, value) };
          kept += `${text(copied, value)}[${spans.push(span) - 1}]`;
          copied = span.end;
          at = span.end;
          wantsKey = false;
          continue;
        }
      }
      wantsKey = false;
      at = end;
      continue;
    }
    if (byte === openBrace || byte === openBracket) {
      if (depth === deepest) throw tooDeep();
      depth++;
      isObject[depth] = byte === openBrace ? 1 : 0;
      wantsKey = byte === openBrace;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth > 0) depth--;
      wantsKey = false;
    } else if (byte === comma) {
      wantsKey = isObject[depth] === 1;
    }
    at++;
  }
  return { value: parse(kept + text(copied, bytes.length)), spans };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw serveErrors.error("REQUEST_INVALID", "The body is not JSON (RFC 8259). Send valid JSON.", {
      cause,
    });
  }
}

/** After the closing quote; the end of the bytes where there is none. Long texts are passed over by `indexOf`. */
function stringEnd(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(quote, start + 1);
  while (at >= 0 && isEscaped(bytes, at)) at = bytes.indexOf(quote, at + 1);
  return at < 0 ? bytes.length : at + 1;
}

/** Whether an odd number of backslashes stands before. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let first = at;
  while (bytes[first - 1] === backslash) first--;
  return (at - first) % 2 === 1;
}

/** After the bracket that closes the array. Long lists of numbers are passed over by `indexOf`, not byte by byte. */
function arrayEnd(bytes: Buffer, start: number): number {
  const next = (byte: number, from: number): number => {
    const found = bytes.indexOf(byte, from);
    return found < 0 ? Number.POSITIVE_INFINITY : found;
  };
  let depth = 1;
  let open = next(openBracket, start + 1);
  let close = next(closeBracket, start + 1);
  let text = next(quote, start + 1);
  while (close !== Number.POSITIVE_INFINITY) {
    if (text < close && text < open) {
      const end = stringEnd(bytes, text);
      if (open < end) open = next(openBracket, end);
      if (close < end) close = next(closeBracket, end);
      text = next(quote, end);
    } else if (open < close) {
      depth++;
      if (depth > deepest) throw tooDeep();
      open = next(openBracket, open + 1);
    } else {
      depth--;
      if (depth === 0) return close + 1;
      close = next(closeBracket, close + 1);
    }
  }
  throw serveErrors.error("REQUEST_INVALID", "The body ends within the data of an input. Send it whole.");
}

/** Where the value after a key begins; null where no colon follows, which the parser will refuse. */
function afterColon(bytes: Buffer, end: number): number | null {
  let at = end;
  while (isSpace(bytes[at])) at++;
  if (bytes[at] !== colon) return null;
  at++;
  while (isSpace(bytes[at])) at++;
  return at;
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A key may be written with escapes. */
function keyOf(literal: string): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  return String(parse(literal));
}

function notAnArray(): Error {
  return serveErrors.error("REQUEST_INVALID", 'The member "data" of an input is an array, flat or nested.');
}

function tooDeep(): Error {
  return serveErrors.error(
    "REQUEST_INVALID",
    `The JSON is nested more than ${deepest} levels deep. Send a request of the protocol.`,
    { details: { deepest } },
  );
}
