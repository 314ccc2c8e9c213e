/**
 * The lines of events that wait, as bytes, one after the other in a few large pieces of memory. As texts they would be
 * most of what the garbage collector has to move; here it sees none of them, and what lies side by side is
 * written as it lies.
 */
const newline = 0x0a;
const pieceBytes = 2 ** 18;
/** Of a unit of UTF-16 in UTF-8. */
const mostBytesAUnit = 3;

export interface PiledLine {
  readonly piece: Uint8Array;
  readonly start: number;
  /** After its newline. */
  readonly end: number;
}

export class LinePile {
  #piece = Buffer.allocUnsafeSlow(pieceBytes);
  #used = 0;

  /** @param line without its newline */
  add(line: string): PiledLine {
    const most = mostBytesAUnit * line.length + 1;
    if (most > this.#piece.length - this.#used) {
      this.#piece = Buffer.allocUnsafeSlow(Math.max(most, pieceBytes));
      this.#used = 0;
    }
    const piece = this.#piece;
    const start = this.#used;
    const end = start + piece.write(line, start) + 1;
    piece[end - 1] = newline;
    this.#used = end;
    return { piece, start, end };
  }
}

/** Lines in memory of their own, which can be handed to another thread. */
export function gatherLines(lines: readonly { readonly line: PiledLine }[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const { line } of lines) size += line.end - line.start;
  const bytes = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < lines.length; ) {
    const { piece, start } = lines[at]!.line;
    let { end } = lines[at++]!.line;
    for (let next = lines[at]?.line; next?.piece === piece && next.start === end; next = lines[at]?.line) {
      end = next.end;
      at++;
    }
    bytes.set(piece.subarray(start, end), to);
    to += end - start;
  }
  return bytes;
}
