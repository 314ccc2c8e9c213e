/** Where images leave early, and what each threshold would cost and save. */
import type { EarlyExitReport } from "@cupel/report";
import type { LinePoint } from "../../../shared/chart/line.ts";
import {
  fixedText,
  millisecondsText,
  percentText,
  pointDecimals,
  pointsText,
} from "../../../shared/view/number-text.ts";
import { exitSentence } from "../view/stages.ts";
import { RightByTime } from "./right-by-time.tsx";

export function ExitPanel({ exit }: { readonly exit: EarlyExitReport }) {
  const { after, work, threshold, times, curve, chosen } = exit;
  const facts: readonly (readonly [string, string])[] = [
    ["Exit behind", after],
    ["Work before it", percentText(work)],
    ["An image leaves when the exit is surer than", percentText(threshold)],
    ["Images that leave", percentText(chosen.leaving)],
    ["Change of accuracy, points", pointsText(-chosen.loss, pointDecimals(chosen.loss))],
    ["Time of an image that leaves", millisecondsText(times.leavingMs)],
    ["Of one that stays", millisecondsText(times.stayingMs)],
    ["Without an exit", millisecondsText(times.straightMs)],
  ];
  return (
    <div class="panel wide">
      <h3>Images that leave early</h3>
      <p class="muted">
        A point is a threshold: lower ones let more images leave, which is faster and right less often. All on
        images that trained nothing.
      </p>
      <p class="conclusion">{exitSentence(exit)}</p>
      <div class="table-and-chart">
        <table class="plain">
          <tbody>
            {facts.map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="numeric of-text">{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <RightByTime curve={curve} chosen={chosen} told={told} />
      </div>
    </div>
  );
}

function told({ threshold, leaving }: EarlyExitReport["chosen"]): LinePoint["told"] {
  return [`Surer than ${fixedText(100 * threshold, 1)} %`, `${percentText(leaving)} leave`];
}
