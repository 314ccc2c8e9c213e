/** The first figures of a report, out of JSON that lies beside a model. */
import {
  bytesText,
  MISSING,
  millisecondsText,
  percentText,
  plural,
} from "../../../shared/view/number-text.ts";
import { member } from "./answer.ts";

export interface ReportFacts {
  /** What, of the original, of the model. */
  readonly rows: readonly (readonly [string, string, string])[];
  readonly facts: readonly (readonly [string, string])[];
}

/** Null where it is no report. */
export function reportFacts(report: unknown): ReportFacts | null {
  const [original, made] = [member(report, "original"), member(report, "compressed")];
  if (original === undefined || made === undefined) return null;
  const pair = (title: string, of: (side: unknown) => string) => [title, of(original), of(made)] as const;
  const accuracy = member(report, "accuracy");
  const rows = [
    pair("file", (side) => words(member(side, "file"))),
    pair("size", (side) => bytesText(figure(member(side, "bytes")))),
    pair("time of an image", (side) => millisecondsText(figure(member(member(side, "latency"), "medianMs")))),
    pair("peak memory", (side) => bytesText(figure(member(member(side, "memory"), "wholeProcessBytes")))),
    ...(typeof accuracy === "object" && accuracy !== null
      ? [
          [
            "top-1 accuracy",
            percentText(figure(member(member(accuracy, "top1"), "original"))),
            percentText(figure(member(member(accuracy, "top1"), "compressed"))),
          ] as const,
        ]
      : []),
  ].filter(([, before, after]) => before !== MISSING || after !== MISSING);
  const layers = member(report, "layers");
  const facts = [
    ["Made at", words(member(report, "createdAt"))],
    ["Task", words(member(report, "task"))],
    ["Command", words(member(report, "command"))],
    ["Compared", Array.isArray(layers) ? plural(layers.length, "layer") : MISSING],
  ] as const;
  return { rows, facts: facts.filter(([, text]) => text !== MISSING) };
}

function words(value: unknown): string {
  return typeof value === "string" ? value : MISSING;
}

function figure(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
