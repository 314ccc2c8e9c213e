/**
 * How the record does, as metrics: what whoever keeps it counts, and how long an event waits for it. There is one record
 * for all processes, and who keeps it tells its figures.
 */
import type { EventSink } from "@cupel/base";
import type { Instruments } from "./instruments.ts";
import type { MetricSnapshot } from "./metric-text.ts";

/** The same sink, which measures how long each event waits. */
export function measuredSink(sink: EventSink, instruments: Instruments): EventSink {
  const told = (outcome: "kept" | "refused", began: number) =>
    instruments.observe("recordSeconds", { outcome }, (performance.now() - began) / 1000);
  return {
    async emit(event) {
      const began = performance.now();
      try {
        await sink.emit(event);
      } catch (thrown) {
        told("refused", began);
        throw thrown;
      }
      told("kept", began);
    },
  };
}

/** Nothing of a sink that counts nothing. Outcomes and causes are closed sets of whoever keeps the record. */
export function recordSnapshot(sink: EventSink): MetricSnapshot {
  const figures = sink.figures?.();
  if (figures === undefined) return {};
  const { events, faults, waiting, isInTrouble } = figures;
  const by = (label: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([value, count]) => [`${label}="${value}"`, [count]] as const);
  return {
    recordEvents: by("outcome", events),
    recordFaults: by("cause", faults),
    recordWaiting: [["", [waiting]]],
    recordInTrouble: [["", [Number(isInTrouble)]]],
  };
}
