/** Shapes for the rows of the gradient check. */
import type { Random } from "@cupel/base";

/** `least` to `most` dimensions of 2 to 4 each: small enough for differences, large enough to tell axes apart. */
export function drawDims(random: Random, least = 1, most = 4): readonly number[] {
  const rank = least + random.integer(most - least + 1);
  return Array.from({ length: rank }, () => 2 + random.integer(3));
}
