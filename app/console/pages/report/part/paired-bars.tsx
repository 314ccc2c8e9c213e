/** Original above compressed, on one scale from zero, with an optional spread; figures beside the bars. */
export interface BarPair {
  readonly title: string;
  readonly explanation?: string;
  readonly original: Bar;
  readonly compressed: Bar;
}

export interface Bar {
  readonly value: number;
  readonly text: string;
  /** 10th and 90th percentile. */
  readonly spread?: readonly [low: number, high: number];
}

export function PairedBars({ pairs }: { readonly pairs: readonly BarPair[] }) {
  const most = Math.max(
    ...pairs.flatMap((pair) => [pair.original, pair.compressed].map((bar) => bar.spread?.[1] ?? bar.value)),
  );
  return (
    <div class="paired-bars">
      {pairs.map((pair) => (
        <div class="pair" key={pair.title}>
          {pair.title !== "" && <h4>{pair.title}</h4>}
          {pair.explanation !== undefined && <p class="muted">{pair.explanation}</p>}
          <OneBar kind="original" bar={pair.original} most={most} />
          <OneBar kind="compressed" bar={pair.compressed} most={most} />
        </div>
      ))}
    </div>
  );
}

interface OneBarProps {
  readonly kind: "original" | "compressed";
  readonly bar: Bar;
  readonly most: number;
}

function OneBar({ kind, bar, most }: OneBarProps) {
  const share = (value: number) => `${most > 0 ? (100 * value) / most : 0}%`;
  return (
    <div class="bar-row">
      <span class="visually-hidden">{kind} </span>
      <div class="track" aria-hidden="true">
        <div class={`bar ${kind}`} style={{ width: share(bar.value) }} />
        {bar.spread !== undefined && (
          <div
            class="whisker"
            style={{ left: share(bar.spread[0]), width: share(bar.spread[1] - bar.spread[0]) }}
          />
        )}
      </div>
      <span class="bar-text">{bar.text}</span>
    </div>
  );
}
