/** Grey of colour: L = 0.299 R + 0.587 G + 0.114 B in Pillow's 16-bit fixed point, so that grey stays exactly grey. */

/** Of the pixel whose red is at `at`, green and blue after it. */
export function lumaOf(pixels: Uint8Array, at: number): number {
  return (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >>> 16;
}
