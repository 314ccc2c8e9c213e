/** Where the time of requests goes, and how many rows are run at once. */
import { useState } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import { countText, millisecondsText, plural } from "../../../shared/view/number-text.ts";
import { bucketsOf, countOf } from "../view/distribution.ts";
import { batchSpread, stageFigures } from "../view/figures.ts";
import type { Span } from "../view/history.ts";
import { everywhere } from "../view/snapshot.ts";
import { BarRow } from "./bar-row.tsx";
import { ModelChoice } from "./model-choice.tsx";

interface StagesProps {
  readonly models: readonly string[];
  readonly span: Span | null;
}

const meanings: ReadonlyMap<string, string> = new Map([
  ["decode", "bytes to a tensor"],
  ["queue", "waiting for its turn"],
  ["batch", "joined with others"],
  ["run", "in the engine"],
  ["encode", "the answer written"],
]);

export function Stages({ models, span }: StagesProps) {
  const [model, setModel] = useState("");
  const where =
    model === "" ? everywhere : (labels: ReadonlyMap<string, string>) => labels.get("model") === model;
  const stages = stageFigures(span, where);
  const longest = Math.max(...stages.map(({ mean }) => mean ?? 0));
  const buckets = bucketsOf(batchSpread(span, where)).filter(({ count }) => count > 0);
  const runs = countOf(batchSpread(span, where));
  return (
    <Section
      id="stages"
      title="Where the time goes"
      intro="Of the requests of the last minute: the mean of each stage, and P99 behind it."
    >
      <ModelChoice label="Of" models={models} all="all models" chosen={model} choose={setModel} />
      <div class="panels">
        <div class="panel">
          <h3>Stages of a request</h3>
          {stages.every(({ requests }) => requests === 0) && (
            <p class="muted">No request in the last minute.</p>
          )}
          <ul class="bar-list">
            {stages.map(({ stage, mean, p99 }) => (
              <BarRow
                key={stage}
                title={stage}
                about={meanings.get(stage) ?? ""}
                share={longest > 0 ? (mean ?? 0) / longest : 0}
                text={`${millisecondsText(mean)}, P99 ${millisecondsText(p99)}`}
              />
            ))}
          </ul>
        </div>
        <div class="panel">
          <h3>Rows of a run</h3>
          {runs === 0 && <p class="muted">No run in the last minute.</p>}
          <ul class="bar-list">
            {buckets.map(({ from, to, count }) => (
              <BarRow
                key={to}
                title={rowsText(from, to)}
                about=""
                share={count / runs}
                text={plural(count, "run")}
              />
            ))}
          </ul>
        </div>
      </div>
    </Section>
  );
}

/** Whole numbers above `from`, up to `to`. */
function rowsText(from: number, to: number): string {
  if (!Number.isFinite(to)) return `more than ${countText(from)}`;
  return to - from === 1 ? countText(to) : `${countText(from + 1)} to ${countText(to)}`;
}
