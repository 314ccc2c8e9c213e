/** Images answered right against average time, a point for each threshold. */
import { useMemo } from "preact/hooks";
import type { Line, LinePoint } from "../../../shared/chart/line.ts";
import { LineChart } from "../../../shared/chart/line-chart.tsx";
import { millisecondsText, percentText } from "../../../shared/view/number-text.ts";

interface Point {
  readonly right: number;
  readonly averageMs: number;
}

interface RightByTimeProps<Each extends Point> {
  readonly curve: readonly Each[];
  readonly chosen: Each;
  /** What a point is told to be, before what is right and how long it takes. */
  readonly told: (point: Each) => LinePoint["told"];
}

export function RightByTime<Each extends Point>({ curve, chosen, told }: RightByTimeProps<Each>) {
  const pointOf = (point: Each): LinePoint => ({
    x: point.averageMs,
    y: point.right,
    told: [
      ...told(point),
      `${percentText(point.right)} right`,
      `${millisecondsText(point.averageMs)} on average`,
    ],
  });
  const lines = useMemo((): Line[] => [{ colour: "compressed", points: curve.map(pointOf) }], [curve]);
  return (
    <LineChart
      label={`Images answered right against average time, for ${curve.length} thresholds; chosen: ${percentText(chosen.right)} right in ${millisecondsText(chosen.averageMs)}.`}
      lines={lines}
      x={{ name: "average time of an image", text: millisecondsText }}
      y={{ name: "answered right", text: (share) => percentText(share) }}
      marked={{ point: pointOf(chosen), text: "chosen" }}
    />
  );
}
