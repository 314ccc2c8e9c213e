/** What each epoch of training the rounded network gave, and which one was kept. */
import type { RetrainingReport } from "@cupel/report";
import { useMemo } from "preact/hooks";
import type { Line, LinePoint } from "../../../shared/chart/line.ts";
import { LineChart } from "../../../shared/chart/line-chart.tsx";
import { figureText, isFigure, percentText } from "../../../shared/view/number-text.ts";
import { keptSentence } from "../view/stages.ts";

type Epoch = RetrainingReport["epochs"][number];

export function RetrainingPanel({ retrained }: { readonly retrained: RetrainingReport }) {
  const { epochs, kept } = retrained;
  const lines = useMemo(() => linesOf(epochs), [epochs]);
  const chosen = lines[0]?.points.find(({ x }) => x === kept);
  return (
    <div class="panel wide">
      <h3>Trained as it is rounded</h3>
      <p class="muted">
        The epoch is chosen by its loss on images kept from training. Epoch 0 is what rounding alone gave.
      </p>
      <p class="conclusion">{keptSentence(retrained)}</p>
      <p class="key">
        <span class="swatch original" aria-hidden="true" /> loss, trained with
        <span class="swatch compressed" aria-hidden="true" /> loss, kept from training
      </p>
      <div class="table-and-chart">
        <EpochTable epochs={epochs} kept={kept} />
        <LineChart
          label={`Loss by epoch, trained with and kept from training; epoch ${kept} was kept.`}
          lines={lines}
          x={{ name: "epoch", text: String, whole: true }}
          y={{ name: "loss", text: (loss) => figureText(loss, 2), fromZero: true }}
          marked={chosen && { point: chosen, text: "kept" }}
        />
      </div>
    </div>
  );
}

function EpochTable({ epochs, kept }: RetrainingReport) {
  const labelled = epochs.some(({ accuracy }) => accuracy !== null);
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">epoch</th>
          <th scope="col" class="numeric">
            loss
          </th>
          <th scope="col" class="numeric">
            held out
          </th>
          <th scope="col" class="numeric">
            {labelled ? "right" : "as before"}
          </th>
        </tr>
      </thead>
      <tbody>
        {epochs.map((each) => (
          <tr key={each.epoch}>
            <th scope="row">
              {each.epoch} {each.epoch === kept && <b>kept</b>}
            </th>
            <td class="numeric">{figureText(each.loss)}</td>
            <td class="numeric">{figureText(each.heldOutLoss)}</td>
            <td class="numeric">{percentText(labelled ? each.accuracy : each.agreement, 2)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Kept from training first. */
function linesOf(epochs: readonly Epoch[]): Line[] {
  const of = (name: string, loss: (epoch: Epoch) => number | null): LinePoint[] =>
    epochs.flatMap((each) => {
      const y = loss(each);
      if (!isFigure(y)) return [];
      return [{ x: each.epoch, y, told: [`Epoch ${each.epoch}`, `${name} ${figureText(y)}`] as const }];
    });
  return [
    { colour: "compressed", points: of("loss kept from training", ({ heldOutLoss }) => heldOutLoss) },
    { colour: "original", points: of("loss trained with", ({ loss }) => loss) },
  ];
}
