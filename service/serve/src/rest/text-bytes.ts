/** ASCII text that is written piece by piece into bytes: a large answer is made without one string for each number. */
export interface TextBytes {
  /** Bytes to be written into directly, from `length` on; valid until the next `reserve`. */
  bytes: Buffer;
  length: number;
  /** Makes room for that many bytes more. */
  reserve(size: number): void;
  /** Writes text of any kind, as UTF-8. */
  text(text: string): void;
  /** What was written. */
  done(): Buffer;
}

export function createTextBytes(): TextBytes {
  const writer: TextBytes = {
    bytes: Buffer.allocUnsafeSlow(4096),
    length: 0,
    reserve(size) {
      if (writer.length + size <= writer.bytes.length) return;
      const larger = Buffer.allocUnsafeSlow(Math.max(writer.bytes.length * 2, writer.length + size));
      writer.bytes.copy(larger, 0, 0, writer.length);
      writer.bytes = larger;
    },
    text(text) {
      writer.reserve(text.length * 3);
      writer.length += writer.bytes.write(text, writer.length);
    },
    done: () => writer.bytes.subarray(0, writer.length),
  };
  return writer;
}
