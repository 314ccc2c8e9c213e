/** Where a layer's values lie in both models, one over the other. */
import type { LayerReport } from "@cupel/report";
import { useId } from "preact/hooks";
import { figureText } from "../../../shared/view/number-text.ts";
import { barHeights, histogramText, stepPath } from "../view/value-bins.ts";

const HEIGHT = 64;

export function ValueHistogram({ layer }: { readonly layer: LayerReport }) {
  const id = useId();
  const { histogram } = layer;
  if (histogram === null) return <p class="muted no-map">This layer has no values to count.</p>;
  const heights = barHeights(histogram);
  const text = histogramText(histogram);
  return (
    <figure class="value-histogram" aria-labelledby={id}>
      <h4 id={id}>Values before and after</h4>
      <svg
        viewBox={`0 0 ${histogram.original.length} ${HEIGHT}`}
        height={HEIGHT}
        preserveAspectRatio="none"
        role="img"
        aria-label={text}
      >
        <title>{text}</title>
        <path class="before" d={stepPath(heights.original, HEIGHT)} />
        <path class="after" d={stepPath(heights.compressed, HEIGHT)} />
      </svg>
      <div class="ramp-ends">
        <span>{figureText(histogram.from)}</span>
        <span>{figureText(histogram.to)}</span>
      </div>
      <figcaption>
        <span class="swatch original" aria-hidden="true" /> original{" "}
        <span class="swatch compressed" aria-hidden="true" /> compressed; heights are logarithmic
      </figcaption>
    </figure>
  );
}
