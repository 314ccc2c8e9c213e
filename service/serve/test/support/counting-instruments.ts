/** Instruments that a test reads: what was counted, under its name and the values of its labels. */
import type { Instruments } from "../../src/operations/instruments.ts";

export class CountingInstruments implements Instruments {
  readonly #values = new Map<string, number>();

  /** Of a counter, or how often a histogram was told something, or the last value of a gauge; 0 before. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#values.get(keyOf(name, labels)) ?? 0;
  }

  count(name: string, labels: Readonly<Record<string, string>>, by = 1): void {
    this.#values.set(keyOf(name, labels), this.value(name, labels) + by);
  }

  observe(name: string, labels: Readonly<Record<string, string>>): void {
    this.count(name, labels);
  }

  set(name: string, labels: Readonly<Record<string, string>>, value: number): void {
    this.#values.set(keyOf(name, labels), value);
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name} ${Object.entries(labels).sort().join(" ")}`;
}
