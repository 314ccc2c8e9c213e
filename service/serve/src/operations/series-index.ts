/**
 * The series of one metric: which combinations of label values there are, and the numbers of each. Cardinality is
 * bounded twice. A value outside its label's closed set becomes "other"; and a combination that would be one too many
 * becomes the series whose every label is "other". What a client sends can therefore never fill the memory of the
 * server or of Prometheus.
 *
 * A tree of maps, a level a label, finds a known combination without making a key of it: that is the hot path.
 */
import { own } from "@cupel/base";
export const otherValue = "other";

/** Whether a value may stand as it is. */
export type LabelBound = (value: string) => boolean;
export type LabelSet = Readonly<Record<string, string>>;

export interface Series {
  /** As Prometheus writes them, in the order of the row: `a="1",b="2"`. */
  readonly labels: string;
  readonly values: Float64Array;
}

type Level = Map<string, Level | Series>;

export interface SeriesIndexOptions {
  /** Names of the labels. */
  readonly labels: readonly string[];
  readonly boundOf: (label: string) => LabelBound;
  /** Combinations that are told apart. */
  readonly most: number;
  /** Numbers a series has. */
  readonly width: number;
}

export class SeriesIndex {
  readonly #names: readonly string[];
  readonly #bounds: readonly LabelBound[];
  readonly #most: number;
  readonly #width: number;
  readonly #tree: Level = new Map();
  readonly #all: Series[] = [];
  #overflow: Series | null = null;

  constructor({ labels, boundOf, most, width }: SeriesIndexOptions) {
    this.#names = labels;
    this.#bounds = labels.map(boundOf);
    this.#most = most;
    this.#width = width;
    // Without labels there is one series, which Prometheus should see before the first count.
    if (labels.length === 0) this.#overflow = this.#make([]);
  }

  get all(): readonly Series[] {
    return this.#all;
  }

  /** The series to measure in; null where it would be one too many. */
  find(labels: LabelSet): Series | null {
    let at: Level | Series | undefined = this.#tree;
    for (const name of this.#names) {
      at = at instanceof Map ? at.get(own(labels, name)!) : undefined;
      if (at === undefined) return this.#add(labels);
    }
    return at instanceof Map ? this.overflow() : at;
  }

  /** The series for all combinations that found no place. */
  overflow(): Series {
    this.#overflow ??= this.#make(this.#names.map(() => otherValue));
    return this.#overflow;
  }

  #add(labels: LabelSet): Series | null {
    const values = this.#names.map((name, i) => {
      const value = String(own(labels, name));
      return this.#bounds[i]!(value) ? value : otherValue;
    });
    let level = this.#tree;
    for (const value of values.slice(0, -1)) {
      let next = level.get(value);
      if (!(next instanceof Map)) {
        if (this.#all.length >= this.#most) return null;
        next = new Map();
        level.set(value, next);
      }
      level = next;
    }
    const last = values.at(-1)!;
    const known = level.get(last);
    if (known !== undefined && !(known instanceof Map)) return known;
    if (this.#all.length >= this.#most) return null;
    const made = this.#make(values);
    level.set(last, made);
    return made;
  }

  #make(values: readonly string[]): Series {
    const labels = this.#names.map((name, i) => `${name}="${escaped(values[i]!)}"`).join(",");
    const made = { labels, values: new Float64Array(this.#width) };
    this.#all.push(made);
    return made;
  }
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
