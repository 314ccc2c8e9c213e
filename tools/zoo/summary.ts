/** What the zoo says as a whole: the share of models that pass, and how Cupel stands beside the stock quantiser. Pure. */
import { quantile } from "@cupel/base";
import { type Outcome, type Step, steps, type ZooRow } from "./zoo-row.ts";

/** A model is slower when even the lower end of the interval of its time, over the original's, is above this. */
const slowerFrom = 1.03;
/** A difference of signal to noise that counts as none, dB. */
const evenDb = 0.05;
/** Above this what is left is rounding of float32, and one tool is not better than the other. */
const exactDb = 60;

export interface Compared {
  readonly model: string;
  readonly cupel: number;
  readonly stock: number;
}

export interface Summary {
  /** How many passed each step, of those that were tried. */
  readonly passed: Readonly<Record<Step, { readonly count: number; readonly of: number }>>;
  /** Signal to noise of those that both tools compress and whose outputs can be subtracted. */
  readonly compared: readonly Compared[];
  readonly atLeastStock: number;
  /** Worse than the stock quantiser by more than 1 dB. */
  readonly worse: readonly Compared[];
  readonly slower: readonly ZooRow[];
  /** Medians over the models that both compress; null where there are none. */
  readonly speed: number | null;
  readonly speedStock: number | null;
}

export function summaryOf(rows: readonly ZooRow[]): Summary {
  const compared = rows.flatMap(({ model, steps: { engines, stock } }) => {
    const cupel = engines?.ok ? (engines.sqnr ?? null) : null;
    const other = stock?.ok ? (stock.sqnr ?? null) : null;
    return cupel === null || other === null ? [] : [{ model, cupel, stock: other }];
  });
  const timed = rows.flatMap(({ steps: { timing } }) =>
    timing?.ok && timing.speed && timing.speedStock
      ? [{ cupel: timing.speed, stock: timing.speedStock }]
      : [],
  );
  return {
    passed: Object.fromEntries(
      steps.map((step) => {
        const tried = rows.flatMap((row) => row.steps[step] ?? []);
        return [step, { count: tried.filter(({ ok }) => ok).length, of: tried.length }];
      }),
    ) as Summary["passed"],
    compared,
    atLeastStock: compared.filter((each) => behind(each) <= evenDb).length,
    worse: compared.filter((each) => behind(each) > 1),
    slower: rows.filter(({ steps: { timing } }) => isSlower(timing)),
    speed: median(timed.map(({ cupel }) => cupel.ratio)),
    speedStock: median(timed.map(({ stock }) => stock.ratio)),
  };
}

export function isSlower(timing: Outcome | undefined): boolean {
  return timing?.ok === true && timing.speed !== undefined && 1 / timing.speed.high > slowerFrom;
}

/** By how much Cupel is behind, dB. */
export function behind({ cupel, stock }: Compared): number {
  return Math.min(stock, exactDb) - Math.min(cupel, exactDb);
}

function median(values: readonly number[]): number | null {
  return values.length === 0 ? null : quantile(Float64Array.from(values).sort(), 0.5);
}

/** For the terminal and the page. */
export function summaryLines(rows: readonly ZooRow[]): string[] {
  const { passed, compared, atLeastStock, worse, slower, speed, speedStock } = summaryOf(rows);
  const named = (list: readonly { readonly model: string }[]) =>
    list.length === 0 ? "none" : `${list.length}: ${list.map(({ model }) => model).join(", ")}`;
  return [
    `${rows.length} models. Passed, of those tried: ${steps.map((step) => `${step} ${passed[step].count}/${passed[step].of}`).join(", ")}.`,
    `Signal to noise at least the stock quantiser's: ${atLeastStock} of ${compared.length} that both compress. Worse by more than 1 dB: ${named(worse)}.`,
    `Slower than the original: ${named(slower)}.`,
    `Median speed against the original, where both compress: ${figure(speed)}x; the stock quantiser ${figure(speedStock)}x.`,
  ];
}

function figure(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}
