/** A difference and its confidence interval on an axis that shows zero, the line that matters. */
import type { AccuracyComparison } from "@cupel/report";
import { axisTicks } from "../../../shared/view/axis-ticks.ts";
import { isFigure, MISSING, pointDecimals, pointsText } from "../../../shared/view/number-text.ts";

const HEIGHT = 108;
const AXIS = 74;
const MIDDLE = 44;
/** Room at either side for the text of a tick, in per cent. */
const MARGIN = 8;

export function IntervalPlot({ difference }: { readonly difference: AccuracyComparison["difference"] }) {
  const { value, low, high } = difference;
  if (![value, low, high].every(isFigure)) return <p>{MISSING}</p>;
  const reach = Math.max(Math.abs(low), Math.abs(high), Math.abs(value), 0.001) * 1.15;
  const x = (points: number) => `${50 + (points / reach) * (50 - MARGIN)}%`;
  const decimals = pointDecimals(value, low, high);
  const ticks = axisTicks(-reach * 100, reach * 100, 9).map((points) => points / 100);
  const tickDecimals = ticks.some((tick) => Math.abs(tick * 100 - Math.round(tick * 100)) > 1e-9)
    ? decimals
    : 0;
  const label = `${pointsText(value, decimals)} points, from ${pointsText(low, decimals)} to ${pointsText(high, decimals)}`;
  return (
    <svg class="interval-plot" width="100%" height={HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <line class="axis" x1={x(-reach)} x2={x(reach)} y1={AXIS} y2={AXIS} />
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="axis" x1={x(tick)} x2={x(tick)} y1={AXIS} y2={AXIS + 5} />
          <text class="tick" x={x(tick)} y={AXIS + 20}>
            {pointsText(tick, tickDecimals)}
          </text>
        </g>
      ))}
      <line class="zero" x1={x(0)} x2={x(0)} y1={26} y2={AXIS} />
      <line class="interval" x1={x(low)} x2={x(high)} y1={MIDDLE} y2={MIDDLE} />
      {[low, high].map((end, i) => (
        <line
          key={i === 0 ? "low" : "high"}
          class="interval"
          x1={x(end)}
          x2={x(end)}
          y1={MIDDLE - 7}
          y2={MIDDLE + 7}
        />
      ))}
      <circle class="point" cx={x(value)} cy={MIDDLE} r={6} />
      <text class="value" x={x(value)} y={20}>
        {pointsText(value, decimals)}
      </text>
    </svg>
  );
}
