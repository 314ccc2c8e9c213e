/** A median and its interval as people read them, in whole ms. */
import { countText, isFigure } from "../../../shared/view/number-text.ts";
import type { MedianFigure } from "../../../src/pages.ts";

/** "435 (410 to 460)"; without an interval the median alone. */
export function intervalText({ value, low, high }: MedianFigure): string {
  return isFigure(low) && isFigure(high)
    ? `${countText(value)} (${countText(low)} to ${countText(high)})`
    : countText(value);
}
