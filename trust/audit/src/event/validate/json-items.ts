/**
 * The values of a file of events, one by one, however long the file is: of JSON Lines each line, of a JSON array each element. An
 * array is what begins with "[". It is cut at its commas by a walk over its bytes that knows strings and depth; whether an
 * element is JSON its parser finds out, and a broken one is refused alone.
 */
import type { EventRefusal } from "../refusal.ts";

export interface JsonItem {
  /** Of values, from 0. */
  readonly index: number;
  /** Where it begins, from 1. */
  readonly line: number;
  /** Null of one that is too long. */
  readonly bytes: Buffer | null;
  /** Of what is wrong with the file rather than with a value; there are no bytes then. */
  readonly refusal?: EventRefusal;
}

/** Bytes of one value: far beyond any event, and few enough to be held. */
export const longestItem = 16 * 2 ** 20;

const [LF, SPACE, QUOTE, COMMA, OPEN, BACKSLASH, CLOSE] = [...Buffer.from('\n ",[\\]')] as const;
const opening: ReadonlySet<number> = new Set(Buffer.from("[{"));
const closing: ReadonlySet<number> = new Set(Buffer.from("]}"));
const byteOrderMark = Buffer.from("\ufeff");

export async function* jsonItems(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonItem, void, undefined> {
  let splitter: Splitter | null = null;
  let start: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (splitter === null) {
      // What is blank before the first value is kept until it comes, for it has lines.
      start = bytes = Buffer.concat([start, bytes]);
      const first = firstByte(bytes);
      if (first === null) continue;
      splitter = first === OPEN ? new ElementSplitter() : new LineSplitter();
      if (bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    }
    yield* splitter.take(bytes);
  }
  if (splitter !== null) yield* splitter.end();
}

/** That is neither blank nor of a byte order mark. */
function firstByte(bytes: Buffer): number | null {
  const from = byteOrderMark.subarray(0, bytes.length).equals(bytes.subarray(0, 3)) ? 3 : 0;
  return bytes.subarray(from).find((byte) => byte > SPACE!) ?? null;
}

interface Splitter {
  take(bytes: Buffer): Generator<JsonItem>;
  end(): Generator<JsonItem>;
}

/** The bytes of the value under way. */
class Held {
  #parts: Buffer[] = [];
  #length = 0;

  add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length <= longestItem) this.#parts.push(bytes);
    else this.#parts = [];
  }

  /** Null where they were too many. */
  release(): Buffer | null {
    const bytes = this.#length <= longestItem ? Buffer.concat(this.#parts) : null;
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}

class LineSplitter implements Splitter {
  readonly #held = new Held();
  #line = 1;
  #index = 0;

  *take(bytes: Buffer): Generator<JsonItem> {
    let from = 0;
    for (let at = bytes.indexOf(LF!); at >= 0; at = bytes.indexOf(LF!, from)) {
      this.#held.add(bytes.subarray(from, at));
      yield* this.end();
      this.#line++;
      from = at + 1;
    }
    this.#held.add(bytes.subarray(from));
  }

  /** Blank lines are no values. */
  *end(): Generator<JsonItem> {
    const bytes = this.#held.release();
    if (bytes?.every((byte) => byte <= SPACE!)) return;
    yield { index: this.#index++, line: this.#line, bytes };
  }
}

class ElementSplitter implements Splitter {
  readonly #held = new Held();
  /** Before the array, between or in its elements, after it, and after something else came there. */
  #state: "before" | "inside" | "after" | "broken" = "before";
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #hasElement = false;
  #line = 1;
  #begunAt = 1;
  #index = 0;

  *take(bytes: Buffer): Generator<JsonItem> {
    if (this.#state === "broken") return;
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (byte === LF) this.#line++;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isString = false;
        continue;
      }
      if (byte <= SPACE!) continue;
      if (this.#state === "after") {
        this.#state = "broken";
        yield this.#fault("It goes on after the end of the array. Write JSON Lines, or one array.");
        return;
      }
      if (this.#state === "before") {
        // The one byte that brought us here.
        this.#state = "inside";
        from = i + 1;
        continue;
      }
      const isEnd = this.#depth === 0 && (byte === COMMA || byte === CLOSE);
      if (isEnd) {
        this.#held.add(bytes.subarray(from, i));
        from = i + 1;
        // "[]" has none; "[1,]" has one that is nothing.
        if (this.#hasElement || byte === COMMA || this.#index > 0) yield this.#element();
        if (byte === CLOSE) this.#state = "after";
        continue;
      }
      if (!this.#hasElement) {
        this.#hasElement = true;
        this.#begunAt = this.#line;
      }
      if (byte === QUOTE) this.#isString = true;
      else if (opening.has(byte)) this.#depth++;
      else if (closing.has(byte)) this.#depth = Math.max(0, this.#depth - 1);
    }
    if (this.#state === "inside") this.#held.add(bytes.subarray(from));
  }

  *end(): Generator<JsonItem> {
    if (this.#state === "after" || this.#state === "broken") return;
    if (this.#hasElement) yield this.#element();
    yield this.#fault("The array has no end: the file may be cut off.");
  }

  #element(): JsonItem {
    const line = this.#hasElement ? this.#begunAt : this.#line;
    this.#hasElement = false;
    return { index: this.#index++, line, bytes: this.#held.release() };
  }

  #fault(message: string): JsonItem {
    const refusal = { kind: "parse", pointer: "", keyword: "json", message } as const;
    return { index: this.#index, line: this.#line, bytes: null, refusal };
  }
}
