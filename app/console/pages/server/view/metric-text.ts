/**
 * Lines of Prometheus's text format 0.0.4 to samples: a name, labels, a number.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export type Labels = ReadonlyMap<string, string>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const line = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?[ \t]+(NaN|[+-]?(?:Inf|[\d.]\S*))(?:[ \t]+-?\d+)?$/;
const label = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** What is no sample is passed over. */
export function* samplesOf(text: string): Generator<Sample> {
  for (const each of text.split("\n")) {
    if (each === "" || each.startsWith("#")) continue;
    const [, name, labels = "", value] = line.exec(each) ?? [];
    if (name === undefined || value === undefined) continue;
    const pairs = [...labels.matchAll(label)].map(
      ([, key = "", text = ""]) => [key, unescaped(text)] as const,
    );
    yield { name, labels: new Map(pairs), value: numberOf(value) };
  }
}

function unescaped(text: string): string {
  return text.includes("\\")
    ? text.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char))
    : text;
}

function numberOf(text: string): number {
  const infinity = /^([+-]?)Inf$/.exec(text);
  return infinity ? Number(`${infinity[1]}Infinity`) : Number(text);
}
