/**
 * How a model that `cupel pack` wrote begins, so that whoever meets one in place of a model can say what it is. As in PNG, the
 * first byte is no text and no model begins with it, and the line ends show a transfer that took the file for text.
 */
export const packedMagic: readonly number[] = [0x89, 0x43, 0x55, 0x50, 0x4b, 0x0d, 0x0a, 0x1a];

export function isPacked(bytes: Uint8Array): boolean {
  return packedMagic.every((byte, i) => bytes[i] === byte);
}
