/**
 * The command-line form of preprocessing: `preset=tf,resize=short-side:256,crop=224`.
 *
 * Pairs of key and value, in any order, each at most once; lists are separated by `/`. What is not named
 * stays as in the base. Colour is settled first and the preset second, so that means given beside them
 * win. A change between rgb and bgr turns the means and deviations round with it.
 */
import { CHANNELS, type Preprocessing } from "./preprocessing.ts";
import { isPresetName, normalisationOf, PRESETS } from "./presets.ts";
import { checkChannels, invalid, PREPROCESSING_RULES } from "./read-preprocessing.ts";

interface SpecKey {
  /** Completes "must be ...". */
  readonly expects: string;
  /** The base with this value in it, or undefined when the text is not one. */
  apply(text: string, base: Preprocessing): Preprocessing | undefined;
}

/** In the order in which they are applied. */
const SPEC_KEYS: Readonly<Record<string, SpecKey>> = {
  colour: {
    expects: PREPROCESSING_RULES.colour.expects,
    apply(text, base) {
      const colour = PREPROCESSING_RULES.colour.read(text);
      if (colour === undefined || colour === base.colour) return colour && base;
      if (CHANNELS[colour] !== CHANNELS[base.colour]) return { ...base, colour };
      return { ...base, colour, mean: base.mean.toReversed(), std: base.std.toReversed() };
    },
  },
  preset: {
    expects: `one of ${Object.keys(PRESETS).join(", ")}, with as many channels as the colour`,
    apply(text, base) {
      const normalisation = isPresetName(text) ? normalisationOf(text, base.colour) : null;
      return normalisation === null ? undefined : { ...base, ...normalisation };
    },
  },
  crop: {
    expects: "224, or width x height such as 320x240, in pixels",
    apply(text, base) {
      const [, width, height = width] = /^(\d+)(?:x(\d+))?$/.exec(text) ?? [];
      const size = {
        width: PREPROCESSING_RULES.width.read(Number(width)),
        height: PREPROCESSING_RULES.height.read(Number(height)),
      };
      if (size.width === undefined || size.height === undefined) return undefined;
      return { ...base, width: size.width, height: size.height };
    },
  },
  resize: {
    expects: "none, stretch, short-side:<pixels> or long-side:<pixels>",
    apply(text, base) {
      const [kind, size] = text.split(":");
      const resize = PREPROCESSING_RULES.resize.read(
        size === undefined ? { kind } : { kind, size: Number(size) },
      );
      return resize && { ...base, resize };
    },
  },
  interpolation: {
    expects: PREPROCESSING_RULES.interpolation.expects,
    apply(text, base) {
      const interpolation = PREPROCESSING_RULES.interpolation.read(text);
      return interpolation && { ...base, interpolation };
    },
  },
  layout: {
    expects: PREPROCESSING_RULES.layout.expects,
    apply(text, base) {
      const layout = PREPROCESSING_RULES.layout.read(text.toUpperCase());
      return layout && { ...base, layout };
    },
  },
  scale: {
    expects: "a number other than 0, or a fraction such as 1/255",
    apply(text, base) {
      const [top = "", bottom = "1", ...more] = text.split("/");
      const value = numberOf(top) / numberOf(bottom);
      const scale = more.length > 0 ? undefined : PREPROCESSING_RULES.scale.read(value);
      return scale === undefined ? undefined : { ...base, scale };
    },
  },
  mean: {
    expects: "numbers separated by /, one for each channel or one for all",
    apply(text, base) {
      const mean = PREPROCESSING_RULES.mean.read(listOf(text, base));
      return mean && { ...base, mean };
    },
  },
  std: {
    expects: "numbers greater than 0 separated by /, one for each channel or one for all",
    apply(text, base) {
      const std = PREPROCESSING_RULES.std.read(listOf(text, base));
      return std && { ...base, std };
    },
  },
};

/** @throws PREPROCESSING_INVALID */
export function parsePreprocessing(spec: string, base: Preprocessing): Preprocessing {
  const given = pairsOf(spec);
  let preprocessing = base;
  for (const [key, { expects, apply }] of Object.entries(SPEC_KEYS)) {
    const text = given.get(key);
    if (text === undefined) continue;
    const changed = apply(text, preprocessing);
    if (changed === undefined) throw invalid(`"${key}" must be ${expects}, not "${text}"`, { key, text });
    preprocessing = changed;
  }
  return checkChannels(preprocessing, `the preprocessing "${spec}"`);
}

function pairsOf(spec: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of spec.split(",").map((part) => part.trim())) {
    if (pair === "") continue;
    const [, key = "", text = ""] = /^([^=]*)=(.*)$/.exec(pair) ?? [];
    if (!Object.hasOwn(SPEC_KEYS, key)) {
      const keys = Object.keys(SPEC_KEYS).join(", ");
      throw invalid(`"${pair}" is not a preprocessing setting: write key=value with a key of ${keys}`, {
        pair,
      });
    }
    if (pairs.has(key)) throw invalid(`"${key}" is given twice in "${spec}"`, { key });
    pairs.set(key, text.trim());
  }
  return pairs;
}

/** NaN for anything but a number written in full: Number("") would be 0. */
function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

function listOf(text: string, base: Preprocessing): readonly number[] {
  const values = text.split("/").map(numberOf);
  return values.length === 1 ? Array.from({ length: CHANNELS[base.colour] }, () => values[0]!) : values;
}
