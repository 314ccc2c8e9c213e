/** Where the server counts and measures: the rows of `metricTable`, without a word of how they are exported. */
import type { MetricRow, metricTable } from "./metric-table.ts";

type Table = typeof metricTable;
type NamesOf<Kind extends MetricRow["kind"]> = {
  [Name in keyof Table]: Table[Name]["kind"] extends Kind ? Name : never;
}[keyof Table];

export type CounterName = NamesOf<"counter">;
export type GaugeName = NamesOf<"gauge">;
export type HistogramName = NamesOf<"histogram">;
export type LabelsOf<Name extends keyof Table> = Readonly<Record<Table[Name]["labels"][number], string>>;

export interface Instruments {
  /** @param by default 1 */
  count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  set<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, value: number): void;
}

/** Measures nothing. */
export const silentInstruments: Instruments = { count() {}, observe() {}, set() {} };
