/** The figures of a report of a compression that a reader decides by: those that are sealed, shown and listed. */
import {
  type Fault,
  isObject,
  type JsonObject,
  jsonList,
  jsonObject,
  jsonText,
  member,
} from "../signature/json-members.ts";

/**
 * Shares are fractions in [0, 1], and points a difference of two such; a ratio is of the compressed model over the
 * original.
 */
export type FigureUnit = "share" | "points" | "dB" | "number" | "bytes" | "ratio";

export interface MeasuredFigure {
  readonly name: string;
  readonly unit: FigureUnit;
  /** Null where it is no finite number. */
  readonly original: number | null;
  readonly compressed: number | null;
  /** What it is taken over, such as "5,000 images"; "" where there is nothing to say. */
  readonly of: string;
}

/** Of the compressed model against the original. */
export interface DifferenceFigure {
  readonly name: string;
  readonly unit: FigureUnit;
  readonly value: number | null;
  /** Of 95 %. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly of: string;
}

export interface Figures {
  readonly measured: readonly MeasuredFigure[];
  readonly differences: readonly DifferenceFigure[];
}

/** Of a whole report. @throws what `fault` makes */
export function reportFigures(report: JsonObject, fault: Fault): Figures {
  const side = (name: string) => jsonObject(member(report, name), name, fault);
  const bytes = {
    name: "size",
    unit: "bytes",
    original: figure(side("original"), "bytes", fault),
    compressed: figure(side("compressed"), "bytes", fault),
    of: "",
  } as const;
  const time = difference("time of a run", "ratio", side("timeRatio"), "", fault);
  const parts = [ofAccuracy, ofAgreement, ofTask].map((part) => part(report, fault));
  return {
    measured: [...parts.flatMap(({ measured }) => measured), bytes],
    differences: [...parts.flatMap(({ differences }) => differences), time],
  };
}

/** Of a provenance that was read back; null where it is not as `provenanceOf` makes it. */
export function readFigures(value: unknown): Figures | null {
  const fault: Fault = (reason) => new Error(reason);
  try {
    return figureLists(jsonObject(value, "figures", fault), fault);
  } catch {
    return null;
  }
}

const none: Figures = { measured: [], differences: [] };

function ofAccuracy(report: JsonObject, fault: Fault): Figures {
  const accuracy = part(report, "accuracy", fault);
  if (accuracy === null) return none;
  const of = images(accuracy, "images", fault);
  const top = (name: string, member: string): MeasuredFigure[] => {
    const both = part(accuracy, member, fault);
    if (both === null) return [];
    const [original, compressed] = [figure(both, "original", fault), figure(both, "compressed", fault)];
    return [{ name, unit: "share", original, compressed, of }];
  };
  const lost = jsonObject(member(accuracy, "difference"), "difference", fault);
  return {
    measured: [...top("top-1 accuracy", "top1"), ...top("top-5 accuracy", "top5")],
    differences: [difference("top-1 accuracy", "points", lost, of, fault)],
  };
}

function ofAgreement(report: JsonObject, fault: Fault): Figures {
  const agreement = part(report, "agreement", fault);
  if (agreement === null) return none;
  const of = images(agreement, "of", fault);
  return { measured: [], differences: [difference("same prediction", "share", agreement, of, fault)] };
}

function ofTask(report: JsonObject, fault: Fault): Figures {
  const figures = part(report, "taskFigures", fault);
  return figures === null ? none : figureLists(figures, fault);
}

function figureLists(lists: JsonObject, fault: Fault): Figures {
  return {
    measured: jsonList(lists, "measured", fault).map((each) => {
      const its = jsonObject(each, "a figure", fault);
      const [original, compressed] = [figure(its, "original", fault), figure(its, "compressed", fault)];
      return { ...told(its, fault), original, compressed };
    }),
    differences: jsonList(lists, "differences", fault).map((each) => {
      const its = jsonObject(each, "a figure", fault);
      const interval = part(its, "interval", fault);
      return {
        ...told(its, fault),
        value: figure(its, "value", fault),
        interval: interval && intervalOf(interval, fault),
      };
    }),
  };
}

const units = ["share", "points", "dB", "number", "bytes", "ratio"] as const satisfies readonly FigureUnit[];

function told(figure: JsonObject, fault: Fault) {
  const unit = units.find((each) => each === member(figure, "unit"));
  if (unit === undefined) throw fault(`the unit of a figure is none of ${units.join(", ")}`);
  return { name: jsonText(figure, "name", fault), unit, of: jsonText(figure, "of", fault) };
}

function difference(
  name: string,
  unit: FigureUnit,
  found: JsonObject,
  of: string,
  fault: Fault,
): DifferenceFigure {
  return { name, unit, value: figure(found, "value", fault), interval: intervalOf(found, fault), of };
}

function intervalOf(found: JsonObject, fault: Fault): DifferenceFigure["interval"] {
  const [low, high] = [figure(found, "low", fault), figure(found, "high", fault)];
  return low === null || high === null ? null : { low, high };
}

function images(found: JsonObject, name: string, fault: Fault): string {
  const count = figure(found, name, fault) ?? 0;
  return `${count.toLocaleString("en-GB")} ${count === 1 ? "image" : "images"}`;
}

/** Null where it is null. */
function part(object: JsonObject, name: string, fault: Fault): JsonObject | null {
  const value = member(object, name) ?? null;
  if (value === null) return null;
  if (!isObject(value)) throw fault(`${name} is no object`);
  return value;
}

function figure(object: JsonObject, name: string, fault: Fault): number | null {
  const value = member(object, name) ?? null;
  if (value === null || (typeof value === "number" && Number.isFinite(value))) return value;
  throw fault(`${name} is no number`);
}
