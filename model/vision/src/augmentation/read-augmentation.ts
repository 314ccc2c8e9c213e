/**
 * Augmentation from JSON, and from its command-line form `flip,crop=4,colour=0.2/0.2/0.1`: a step a comma,
 * its settings in the order of the table below, separated by `/`, what is left out at its default. One
 * row a step serves both forms.
 */
import { own } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { Augmentation, AugmentationKind, AugmentationStep, ShiftFill } from "./augmentation.ts";

interface Rule<T> {
  /** Completes "must be ...". */
  readonly expects: string;
  /** The value, or undefined when it is not one. */
  read(value: unknown): T | undefined;
}

/** The next setting of a step: its value, or the default where it is not given. */
type Setting = <T>(name: string, rule: Rule<T>, fallback?: T) => T;

function number(expects: string, holds: (value: number) => boolean): Rule<number> {
  return {
    expects,
    read: (value) => (typeof value === "number" && holds(value) ? value : undefined),
  };
}

/** Beyond the side of any tensor. */
const MAX_PIXELS = 16384;
const isPixels = (value: number, least: number): boolean =>
  Number.isInteger(value) && value >= least && value <= MAX_PIXELS;

const probability = number("a probability, 0 to 1", (value) => value >= 0 && value <= 1);
const share = number("a share of the area, above 0 and up to 1", (value) => value > 0 && value <= 1);
const ratio = number("a width over height, 0.1 to 10", (value) => value >= 0.1 && value <= 10);
const strength = number("a strength, 0 to 1", (value) => value >= 0 && value <= 1);
const pixels = number("a whole number of pixels from 1", (value) => isPixels(value, 1));
const pixelsOrNone = number("a whole number of pixels from 0", (value) => isPixels(value, 0));
const shiftFill: Rule<ShiftFill> = {
  expects: "black or edge",
  read: (value) => (value === "black" || value === "edge" ? value : undefined),
};

const READERS: { readonly [Kind in AugmentationKind]: (setting: Setting) => AugmentationStep<Kind> } = {
  flip: (setting) => ({ kind: "flip", probability: setting("probability", probability, 0.5) }),
  "flip-vertical": (setting) => ({
    kind: "flip-vertical",
    probability: setting("probability", probability, 0.5),
  }),
  crop: (setting) => ({ kind: "crop", padding: setting("padding", pixelsOrNone, 0) }),
  "resized-crop": (setting) => ({
    kind: "resized-crop",
    minScale: setting("minScale", share, 0.08),
    maxScale: setting("maxScale", share, 1),
    minRatio: setting("minRatio", ratio, 3 / 4),
    maxRatio: setting("maxRatio", ratio, 4 / 3),
  }),
  shift: (setting) => ({
    kind: "shift",
    pixels: setting("pixels", pixels),
    fill: setting("fill", shiftFill, "black"),
  }),
  rotate: () => ({ kind: "rotate" }),
  colour(setting) {
    const brightness = setting("brightness", strength);
    return {
      kind: "colour",
      brightness,
      contrast: setting("contrast", strength, brightness),
      saturation: setting("saturation", strength, brightness),
    };
  },
  erase: (setting) => ({ kind: "erase", size: setting("size", pixels) }),
};

/** @param where what is being read, for the message. @throws AUGMENTATION_INVALID */
export function readAugmentation(value: unknown, where = "the augmentation"): Augmentation {
  if (!Array.isArray(value)) throw invalid(`${where} must be a JSON list of steps`);
  return value.map((step: unknown) => {
    const given = isRecord(step) ? step : {};
    const { kind, ...settings } = given;
    const used = new Set<string>();
    const read = readStep(kind, where, (name) => {
      used.add(name);
      return own(settings, name);
    });
    const unknown = Object.keys(settings).find((name) => !used.has(name));
    if (unknown !== undefined) throw invalid(`"${kind}" of ${where} has no setting "${unknown}"`);
    return read;
  });
}

/** An empty text is no augmentation. @throws AUGMENTATION_INVALID */
export function parseAugmentation(spec: string): Augmentation {
  const where = `the augmentation "${spec}"`;
  const steps = spec.split(",").map((step) => step.trim());
  return steps
    .filter((step) => step !== "")
    .map((step) => {
      const [, kind = "", , list = ""] = /^([^=]*)(=(.*))?$/.exec(step) ?? [];
      const texts = list === "" ? [] : list.split("/").map((text) => text.trim());
      const read = readStep(kind, where, () => settingOf(texts.shift()));
      if (texts.length > 0) throw invalid(`"${step}" of ${where} has ${texts.length} settings too many`);
      return read;
    });
}

function readStep(kind: unknown, where: string, given: (name: string) => unknown): AugmentationStep {
  if (!isKind(kind)) {
    const kinds = Object.keys(READERS).join(", ");
    throw invalid(`${where} has a step of the kind ${JSON.stringify(kind)}; the kinds are ${kinds}`);
  }
  const step = READERS[kind]((name, rule, fallback) => {
    const value = given(name);
    const found = value === undefined ? fallback : rule.read(value);
    if (found !== undefined) return found;
    const instead = value === undefined ? "it is missing" : `not ${JSON.stringify(value)}`;
    throw invalid(`"${name}" of "${kind}" in ${where} must be ${rule.expects}, ${instead}`);
  });
  if (step.kind === "resized-crop" && (step.minScale > step.maxScale || step.minRatio > step.maxRatio)) {
    throw invalid(`"${kind}" in ${where} has a smallest scale or ratio above the largest`);
  }
  return step;
}

const isKind = (kind: unknown): kind is AugmentationKind =>
  typeof kind === "string" && Object.hasOwn(READERS, kind);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number where the text is one in full; the text itself otherwise. */
function settingOf(text: string | undefined): unknown {
  return text === undefined || text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function invalid(problem: string) {
  return visionErrors.error("AUGMENTATION_INVALID", `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`);
}
