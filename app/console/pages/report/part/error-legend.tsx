/** What the colours of the heat map mean, drawn from the same scale. */

import { errorText } from "../../../shared/view/number-text.ts";
import { type ErrorScale, positionOf } from "../view/error-scale.ts";

export function ErrorLegend({ scale }: { readonly scale: ErrorScale }) {
  return (
    <div class="error-legend">
      <span class="legend-title">Error of a channel, relative to its layer (logarithmic)</span>
      <div class="ramp" aria-hidden="true" />
      <div class="ticks">
        {scale.ticks.map((tick) => (
          <span class="tick" key={tick} style={{ left: `${100 * positionOf(scale, tick)}%` }}>
            {errorText(tick)}
          </span>
        ))}
      </div>
    </div>
  );
}
