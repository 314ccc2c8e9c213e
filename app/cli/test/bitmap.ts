/** Windows bitmaps for tests that need images of known pixels in files. */

/**
 * Grey, of 24 bits a pixel.
 * @param side a multiple of 4, so that rows need no filling
 * @param level 0 to 255, of each pixel counted from the upper left
 */
export function bitmap(side: number, level: (x: number, y: number) => number): Buffer {
  const header = Buffer.alloc(54);
  header.write("BM");
  for (const [at, value] of [
    [2, header.length + 3 * side * side],
    [10, header.length],
    [14, 40],
    [18, side],
    [22, side],
  ] as const) {
    header.writeUInt32LE(value, at);
  }
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  // The lowest row comes first.
  const pixels = Array.from({ length: side * side }, (_, i) =>
    level(i % side, side - 1 - Math.floor(i / side)),
  );
  return Buffer.concat([header, Buffer.from(pixels.flatMap((grey) => [grey, grey, grey]))]);
}
