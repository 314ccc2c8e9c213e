/**
 * Unknown JSON becomes a `Preprocessing` or an error that names the key. One rule a key, in one table;
 * what a key alone cannot tell (one mean for each channel) is checked after it.
 */
import { visionErrors } from "../errors.ts";
import type { Resize } from "./preprocessing.ts";
import {
  CHANNELS,
  type Colour,
  type Interpolation,
  type Layout,
  type Preprocessing,
} from "./preprocessing.ts";

/** The largest side of a tensor: 16384 squared RGB is 3.2 GB of floats, beyond any vision model. */
const MAX_SIDE = 16384;

export interface Rule<T> {
  /** Completes "must be ...". */
  readonly expects: string;
  /** The value, or undefined when it is not one. */
  read(value: unknown): T | undefined;
}

const isSide = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_SIDE;

const isFiniteNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function oneOf<const T extends string>(...choices: readonly T[]): Rule<T> {
  return {
    expects: `one of ${choices.join(", ")}`,
    read: (value) => choices.find((choice) => choice === value),
  };
}

function numbers(expects: string, holds: (value: number) => boolean): Rule<readonly number[]> {
  return {
    expects,
    read: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((item) => isFiniteNumber(item) && holds(item))
        ? value
        : undefined,
  };
}

const side: Rule<number> = {
  expects: `a whole number of pixels, 1 to ${MAX_SIDE}`,
  read: (value) => (isSide(value) ? value : undefined),
};

const resize: Rule<Resize> = {
  expects:
    'an object with the kind "none", "stretch", "short-side" or "long-side", the last two with a size in pixels',
  read(value) {
    if (!isRecord(value)) return undefined;
    const { kind, size } = value;
    if (kind === "none" || kind === "stretch") return { kind };
    if ((kind === "short-side" || kind === "long-side") && isSide(size)) return { kind, size };
    return undefined;
  },
};

export const PREPROCESSING_RULES: { readonly [Key in keyof Preprocessing]: Rule<Preprocessing[Key]> } = {
  width: side,
  height: side,
  colour: oneOf<Colour>("rgb", "bgr", "grey"),
  resize,
  interpolation: oneOf<Interpolation>("nearest", "bilinear", "bicubic", "lanczos"),
  layout: oneOf<Layout>("NCHW", "NHWC"),
  scale: {
    expects: "a number other than 0",
    read: (value) => (isFiniteNumber(value) && value !== 0 ? value : undefined),
  },
  mean: numbers("a list of numbers", () => true),
  std: numbers("a list of numbers greater than 0", (value) => value > 0),
};

/** @param where what is being read, for the message. @throws PREPROCESSING_INVALID */
export function readPreprocessing(value: unknown, where = "the preprocessing"): Preprocessing {
  if (!isRecord(value)) throw invalid(`${where} must be a JSON object`, {});
  const unknownKey = Object.keys(value).find((key) => !Object.hasOwn(PREPROCESSING_RULES, key));
  if (unknownKey !== undefined) {
    const keys = Object.keys(PREPROCESSING_RULES).join(", ");
    throw invalid(`${where} has the unknown key "${unknownKey}"; the keys are ${keys}`, { key: unknownKey });
  }
  const read = <Key extends keyof Preprocessing>(key: Key): Preprocessing[Key] => {
    const rule = PREPROCESSING_RULES[key];
    const found = rule.read(value[key]);
    if (found !== undefined) return found;
    const given = value[key] === undefined ? "it is missing" : `not ${JSON.stringify(value[key])}`;
    throw invalid(`"${key}" of ${where} must be ${rule.expects}, ${given}`, { key });
  };
  return checkChannels(
    {
      width: read("width"),
      height: read("height"),
      colour: read("colour"),
      resize: read("resize"),
      interpolation: read("interpolation"),
      layout: read("layout"),
      scale: read("scale"),
      mean: read("mean"),
      std: read("std"),
    },
    where,
  );
}

/** One mean and one deviation for each channel of the tensor. @throws PREPROCESSING_INVALID */
export function checkChannels(preprocessing: Preprocessing, where: string): Preprocessing {
  const channels = CHANNELS[preprocessing.colour];
  for (const key of ["mean", "std"] as const) {
    const count = preprocessing[key].length;
    if (count !== channels) {
      throw invalid(
        `"${key}" of ${where} has ${count} value${count === 1 ? "" : "s"}, the colour ${preprocessing.colour} needs ${channels}`,
        { key },
      );
    }
  }
  return preprocessing;
}

export function invalid(problem: string, details: Readonly<Record<string, unknown>>) {
  return visionErrors.error(
    "PREPROCESSING_INVALID",
    `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`,
    {
      details,
    },
  );
}
