/** Which residual blocks images go past, and what each threshold would cost and save. */
import type { GatesReport } from "@cupel/report";
import type { LinePoint } from "../../../shared/chart/line.ts";
import {
  millisecondsText,
  percentText,
  pointDecimals,
  pointsText,
} from "../../../shared/view/number-text.ts";
import { gatesSentence } from "../view/stages.ts";
import { RightByTime } from "./right-by-time.tsx";

export function GatesPanel({ gates }: { readonly gates: GatesReport }) {
  const { spans, times, curve, chosen } = gates;
  return (
    <div class="panel wide">
      <h3>Blocks that images go past</h3>
      <p class="muted">
        A gate before each row of blocks tells which images are answered alike without them. A point is a
        threshold: lower ones let more images past, which is faster and right less often. All on images that
        trained nothing.
      </p>
      <p class="conclusion">{gatesSentence(gates)}</p>
      <div class="table-and-chart">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">behind</th>
              <th scope="col" class="numeric">
                work
              </th>
              <th scope="col" class="numeric">
                go past
              </th>
              <th scope="col" class="numeric">
                time then
              </th>
            </tr>
          </thead>
          <tbody>
            {spans.map(({ from, work }, i) => (
              <tr key={from}>
                <th scope="row" class="name">
                  {from}
                </th>
                <td class="numeric">{percentText(work)}</td>
                <td class="numeric">{percentText(chosen.past[i] ?? 0)}</td>
                <td class="numeric">{millisecondsText(times.pastMs[i] ?? times.throughMs)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">past none</th>
              <td class="numeric" colSpan={3}>
                {millisecondsText(times.throughMs)}
              </td>
            </tr>
            <tr>
              <th scope="row">without gates</th>
              <td class="numeric" colSpan={3}>
                {millisecondsText(times.straightMs)}
              </td>
            </tr>
            <tr>
              <th scope="row">change of accuracy, points</th>
              <td class="numeric" colSpan={3}>
                {pointsText(-chosen.loss, pointDecimals(chosen.loss))}
              </td>
            </tr>
          </tbody>
        </table>
        <RightByTime curve={curve} chosen={chosen} told={told} />
      </div>
    </div>
  );
}

function told({ skipped }: GatesReport["chosen"]): LinePoint["told"] {
  return [`${percentText(skipped)} of the work left out`];
}
