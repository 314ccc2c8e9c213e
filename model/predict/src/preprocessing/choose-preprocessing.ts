/**
 * How images become tensors for a model: as it is given, else as the model says, else a guess that is said to
 * be one. `findPreprocessing` does better than a guess where there are images.
 */
import type { Model } from "@cupel/onnx";
import {
  imageShapeOf,
  namedSettings,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
} from "@cupel/vision";
import {
  ofLimitedSize,
  originFromMetadata,
  preprocessingFromMetadata,
  type UncertainOrigin,
  unlessOverridden,
} from "../file/metadata.ts";
import type { OpenedModel } from "../file/open-model.ts";
import { ultralyticsMetadata, ultralyticsPreprocessing } from "../file/ultralytics-metadata.ts";
import { holds } from "../input/element-types.ts";
import { inputsOf, likelyImageInput } from "../input/image-input.ts";
import { textLinePreprocessing } from "../sequence/text-line-preprocessing.ts";
import { preprocessingCandidates } from "./candidates.ts";
import type { Finding } from "./finding.ts";

/**
 * Where something that a model needs came from: its own metadata, the caller, a trial of what is usual on
 * images, or nothing better than a guess.
 */
export type Origin = "metadata" | "given" | "found" | "guessed";

export interface ChosenPreprocessing {
  readonly preprocessing: Preprocessing;
  readonly origin: Origin;
  /** Usual ways, the guess first, where nobody says which one is the model's; else empty. */
  readonly candidates: readonly Preprocessing[];
  /** What a trial of the candidates showed; null before one, or where none is needed. */
  readonly finding: Finding | null;
}

/** What a file that carries the preprocessing has to say of it; null where it is known. */
export function uncertainOrigin({ origin }: Pick<ChosenPreprocessing, "origin">): UncertainOrigin | null {
  return origin === "found" || origin === "guessed" ? origin : null;
}

/** Settings that decide the values of a tensor; the others decide its size, which the input's shape tells. */
const valueSettings = ["preset", "scale", "mean", "std"];

/** The shape of an image of which nothing but the colours is known. */
const unsaid: readonly (number | null)[] = [null, 3, null, null];

/** Whether nothing of what the model says decides the values. */
function isInFull(named: ReadonlySet<string>): boolean {
  return named.has("preset") || ["scale", "mean", "std"].every((key) => named.has(key));
}

/** As the model says, in our metadata or in ultralytics'; null where it says nothing. @throws METADATA_INVALID, METADATA_TOO_LARGE, PREPROCESSING_INVALID */
export function ownPreprocessing({ metadata, graph }: Model): Preprocessing | null {
  const ours = preprocessingFromMetadata(metadata);
  const told = ours === null ? ultralyticsMetadata(metadata) : null;
  if (told === null) return ours;
  const input = graph.inputs.find(({ constant }) => !constant);
  return ofLimitedSize(ultralyticsPreprocessing(told, preprocessingFor(input?.shape ?? [])), "imgsz");
}

/**
 * A guess that went into the metadata is still a guess. Words that leave the values open, such as
 * "resize=none", leave a guess of them. Words that leave none of them open go before metadata that cannot be read.
 * @param given in full, or in the words of `parsePreprocessing`: what is not named is then as the model says.
 * @throws METADATA_INVALID, METADATA_TOO_LARGE, PREPROCESSING_INVALID, also where the input's shape is not that of an image
 */
export function choosePreprocessing(
  { model, inputShape }: Pick<OpenedModel, "model" | "inputShape">,
  given: Preprocessing | string | undefined,
): ChosenPreprocessing {
  const told = { candidates: [], finding: null };
  if (typeof given === "object") return { preprocessing: given, origin: "given", ...told };
  const named = namedSettings(given ?? "");
  const own = unlessOverridden("preprocessing", isInFull(named), () => ownPreprocessing(model));
  const ownOrigin = own === null ? "guessed" : (originFromMetadata(model.metadata) ?? "metadata");
  const type = likelyImageInput(inputsOf(model.graph))?.type ?? "float32";
  const mayBeImage = [inputShape.at(-3), inputShape.at(-1)].some(
    (size) => typeof size !== "number" || size <= 0,
  );
  // What the shape does not say is then as in [N, 3, H, W], unless it is named.
  const isUnsaid = isInFull(named) && mayBeImage && imageShapeOf(inputShape) === null;
  const shape = isUnsaid ? unsaid : inputShape;
  const base = own ?? textLinePreprocessing(model) ?? preprocessingFor(shape, type);
  const preprocessing = parsePreprocessing(given ?? "", base);
  if (ownOrigin === "guessed" && !valueSettings.some((key) => named.has(key))) {
    const candidates = preprocessingCandidates(preprocessing, !named.has("colour")).filter((each) =>
      holds(type, each),
    );
    return { preprocessing, origin: "guessed", candidates, finding: null };
  }
  return { preprocessing, origin: named.size > 0 ? "given" : ownOrigin, ...told };
}
