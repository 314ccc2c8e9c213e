/**
 * The command-line form of preprocessing: `preset=tf,resize=short-side:256,crop=224`.
 *
 * Pairs of key and value, in any order, each at most once; lists are separated by `/`. What is not named
 * stays as in the base. Colour is settled first and the preset second, so that means given beside them
 * take precedence. A change between rgb and bgr also reverses the means and deviations.
 */
import { expectation, suggest } from "@cupel/base";
import { CHANNELS, type Preprocessing, preprocessingSchema } from "./preprocessing.ts";
import { isPresetName, normalisationOf, PRESETS } from "./presets.ts";
import { checkChannels, invalid, isPreprocessing } from "./read-preprocessing.ts";

type Changes = Readonly<Partial<Record<keyof Preprocessing, unknown>>>;

interface SpecKey {
  /** Completes "must be ...". */
  readonly expects: string;
  /** What the text changes of the base, to be checked by the schema; null when it is refused at once. */
  read(text: string, base: Preprocessing): Changes | null;
}

const { properties } = preprocessingSchema;

/** In the order in which they are applied. */
const SPEC_KEYS: Readonly<Record<string, SpecKey>> = {
  colour: {
    expects: expectation(properties.colour),
    read(text, { colour, mean, std }) {
      const isTurned = (colour === "rgb" && text === "bgr") || (colour === "bgr" && text === "rgb");
      return isTurned ? { colour: text, mean: mean.toReversed(), std: std.toReversed() } : { colour: text };
    },
  },
  preset: {
    expects: `one of ${Object.keys(PRESETS).join(", ")}, with as many channels as the colour`,
    read: (text, base) => (isPresetName(text) ? normalisationOf(text, base.colour) : null),
  },
  crop: {
    expects: "224, or width x height such as 320x240, in pixels",
    read(text) {
      const [, width, height = width] = /^(\d+)(?:x(\d+))?$/.exec(text) ?? [];
      return { width: Number(width), height: Number(height) };
    },
  },
  resize: {
    expects: "none, stretch, short-side:<pixels>, long-side:<pixels>, letter-box or fit-height",
    read(text) {
      const [kind, size, ...more] = text.split(":");
      return more.length > 0
        ? null
        : { resize: size === undefined ? { kind } : { kind, size: Number(size) } };
    },
  },
  pad: {
    expects: "a number in 0..255 such as 114, or 114:end to pad right and below only",
    read(text) {
      const [value = "", padSide = "both", ...more] = text.split(":");
      return more.length > 0 ? null : { pad: { value: numberOf(value), side: padSide } };
    },
  },
  multiple: {
    expects: "a whole number of pixels such as 32",
    read: (text) => ({ multiple: numberOf(text) }),
  },
  interpolation: {
    expects: expectation(properties.interpolation),
    read: (interpolation) => ({ interpolation }),
  },
  layout: {
    expects: expectation(properties.layout),
    read: (text) => ({ layout: text.toUpperCase() }),
  },
  scale: {
    expects: "a number other than 0, or a fraction such as 1/255",
    read(text) {
      const [top = "", bottom = "1", ...more] = text.split("/");
      return more.length > 0 ? null : { scale: numberOf(top) / numberOf(bottom) };
    },
  },
  mean: {
    expects: "numbers separated by /, one for each channel or one for all",
    read: (text, base) => ({ mean: listOf(text, base) }),
  },
  std: {
    expects: "numbers greater than 0 separated by /, one for each channel or one for all",
    read: (text, base) => ({ std: listOf(text, base) }),
  },
};

/** @throws PREPROCESSING_INVALID */
export function parsePreprocessing(spec: string, base: Preprocessing): Preprocessing {
  const given = pairsOf(spec);
  let preprocessing = base;
  for (const [key, { expects, read }] of Object.entries(SPEC_KEYS)) {
    const text = given.get(key);
    if (text === undefined) continue;
    const changes = read(text, preprocessing);
    const changed = { ...preprocessing, ...changes };
    if (changes === null || !isPreprocessing(changed)) {
      const meant = key === "preset" ? didYouMean(text, Object.keys(PRESETS)) : "";
      throw invalid(`"${key}" must be ${expects}, not "${text}"${meant}`, { key, text });
    }
    preprocessing = changed;
  }
  return checkChannels(preprocessing, `the preprocessing "${spec}"`);
}

/** The settings that a text names. @throws PREPROCESSING_INVALID */
export function namedSettings(spec: string): ReadonlySet<string> {
  return new Set(pairsOf(spec).keys());
}

function pairsOf(spec: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of spec.split(",").map((part) => part.trim())) {
    if (pair === "") continue;
    const [, key = "", text = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    if (!Object.hasOwn(SPEC_KEYS, key)) {
      const keys = Object.keys(SPEC_KEYS);
      const meant = didYouMean(key, keys);
      throw invalid(
        `"${pair}" is not a preprocessing setting: write key=value with a key of ${keys.join(", ")}${meant}`,
        { pair },
      );
    }
    if (pairs.has(key)) throw invalid(`"${key}" is given twice in "${spec}"`, { key });
    pairs.set(key, text.trim());
  }
  return pairs;
}

/** For the end of a sentence. A word that is known, and wrong for another reason, is not what was meant. */
function didYouMean(text: string, known: readonly string[]): string {
  const near = known.includes(text) ? null : suggest(text, known);
  return near === null ? "" : `; did you mean ${near}?`;
}

/** NaN for anything but a number written in full: Number("") would be 0. */
function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

function listOf(text: string, base: Preprocessing): readonly number[] {
  const values = text.split("/").map(numberOf);
  return values.length === 1 ? Array.from({ length: CHANNELS[base.colour] }, () => values[0]!) : values;
}
