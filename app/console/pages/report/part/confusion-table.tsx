/** The cells of the confusion matrix that changed, in words, largest first; works for any number of classes. */
import type { AccuracyComparison } from "@cupel/report";
import { useMemo, useState } from "preact/hooks";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { changeText, countText } from "../../../shared/view/number-text.ts";
import { confusionChanges } from "../view/confusion-changes.ts";

const FIRST_SHOWN = 10;

export function ConfusionTable({ accuracy }: { readonly accuracy: AccuracyComparison }) {
  const changes = useMemo(() => confusionChanges(accuracy), [accuracy]);
  const [all, setAll] = useState(false);
  if (changes.length === 0) return <p class="muted">None: the counts of both models are the same.</p>;
  const shown = all ? changes : changes.slice(0, FIRST_SHOWN);
  const most = Math.max(...changes.map(({ change }) => Math.abs(change)));
  return (
    <>
      <p class="muted">
        How many images of a class got a prediction, before and after. Only counts that changed are listed.
        More right predictions (✓) are better, more wrong ones (✗) are worse.
      </p>
      <ScrollTable label="Table of predictions that changed">
        <table class="plain confusion">
          <thead>
            <tr>
              <th scope="col">Images of</th>
              <th scope="col">predicted as</th>
              <th scope="col" class="numeric">
                before
              </th>
              <th scope="col" class="numeric">
                after
              </th>
              <th scope="col" class="change-head">
                change
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((cell) => (
              <tr key={`${cell.label}/${cell.prediction}`}>
                <td>{cell.label}</td>
                <td>
                  <span class={cell.right ? "mark right" : "mark wrong"}>
                    {cell.right ? "✓ right" : "✗ wrong"}
                  </span>{" "}
                  {cell.prediction}
                </td>
                <td class="numeric">{countText(cell.original)}</td>
                <td class="numeric">{countText(cell.compressed)}</td>
                <td>
                  <ChangeBar change={cell.change} most={most} better={cell.change > 0 === cell.right} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollTable>
      {changes.length > FIRST_SHOWN && (
        <button type="button" class="plain more" onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${countText(changes.length)} changes`}
        </button>
      )}
    </>
  );
}

interface ChangeBarProps {
  readonly change: number;
  readonly most: number;
  readonly better: boolean;
}

/** Fewer to the left, more to the right; solid is worse, hollow is better, so that colour is not alone. */
function ChangeBar({ change, most, better }: ChangeBarProps) {
  const width = (50 * Math.abs(change)) / most;
  const left = change < 0 ? 50 - width : 50;
  return (
    <span class="change-bar">
      <span class="change-track" aria-hidden="true">
        <span class={better ? "better" : "worse"} style={{ left: `${left}%`, width: `${width}%` }} />
      </span>
      <span class="change-text">
        {changeText(change)} <span class="muted">{better ? "better" : "worse"}</span>
      </span>
    </span>
  );
}
