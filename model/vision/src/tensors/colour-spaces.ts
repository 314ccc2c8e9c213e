/** Four inks, and brightness with two colour differences, as red, green and blue: the formulas of Pillow. No I/O. */

/** Ink 0..255 of cyan, magenta, yellow and black: R = (255 - C) (255 - K) / 255, rounded. No colour profile. */
export function rgbOfCmyk(inks: Uint8Array): Uint8Array {
  const pixels = inks.length / 4;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const light = 255 - inks[i * 4 + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      data[i * 3 + channel] = light - Math.round((inks[i * 4 + channel]! * light) / 255);
    }
  }
  return data;
}

/** JFIF 1.02, page 3: full range 0..255, chroma around 128. */
export function rgbOfYcbcr(values: Uint8Array): Uint8Array {
  const data = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i += 3) {
    const [y, cb, cr] = [values[i]!, values[i + 1]! - 128, values[i + 2]! - 128];
    data[i] = y + 1.402 * cr;
    data[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    data[i + 2] = y + 1.772 * cb;
  }
  return new Uint8Array(data.buffer);
}
