/** Who says how a model's images are prepared, in words: what nobody said is never passed over in silence. */
import { type Preprocessing, preprocessingText, presetOf } from "@cupel/vision";
import { isTextLine } from "../sequence/text-line-preprocessing.ts";
import type { ChosenPreprocessing, Origin } from "./choose-preprocessing.ts";
import type { Finding, TriedPreprocessing } from "./finding.ts";

/** Who says it, in words that complete "prepared so: ...". */
export function fedText({
  origin,
  preprocessing,
}: Pick<ChosenPreprocessing, "origin" | "preprocessing">): string {
  return `${preprocessingText(preprocessing)} (${whoSays[origin](preprocessing)})`;
}

const whoSays: Readonly<Record<Origin, (preprocessing: Preprocessing) => string>> = {
  metadata: () => "as the model says",
  given: () => "as given",
  found: () => "found by trying the usual ways",
  guessed: (preprocessing) => `guessed ${guessedFrom(preprocessing)}`,
};

function guessedFrom(preprocessing: Preprocessing): string {
  return isTextLine(preprocessing)
    ? "for a reader of text, as PaddleOCR feeds its own"
    : "from the input shape";
}

/** Null where the model or the caller says it. @param model how it is called, such as its path. */
export function preprocessingSentence(
  model: string,
  chosen: Pick<ChosenPreprocessing, "origin" | "preprocessing" | "finding">,
): string | null {
  const { origin, preprocessing, finding } = chosen;
  if (origin === "given" || origin === "metadata" || (origin === "found" && finding === null)) return null;
  const silent = `${model} does not say how its images are prepared.`;
  const advice = "If the accuracy is not what you know it to be, set --preprocessing.";
  if (finding === null) {
    return `${silent} Guessed ${guessedFrom(preprocessing)}: ${preprocessingText(preprocessing)}. ${advice}`;
  }
  const { by, images, tried } = finding;
  const trial = `Of ${tried.length} usual ways, tried on ${images} images ${by === "labels" ? "with" : "without"} labels,`;
  const taken = preprocessingText(preprocessing);
  const rivals = tried.filter(({ isRival }) => isRival);
  const [best, second] = tried as [TriedPreprocessing, ...TriedPreprocessing[]];
  const told = (each: TriedPreprocessing) => scored(finding, each);
  const listed = (ways: readonly TriedPreprocessing[]) => {
    const more = ways.length > named ? ` and ${ways.length - named} more` : "";
    return `${ways.slice(0, named).map(told).join(", ")}${more}`;
  };
  if (origin === "found") {
    const guess = tried.find((each) => each.isGuess);
    const next =
      rivals.length > 0
        ? `; they do not tell it from ${listed(rivals)}`
        : second
          ? `; next is ${told(second)}`
          : "";
    const guessed =
      guess && guess !== best && guess !== second ? `; the guess from the input shape is ${told(guess)}` : "";
    return `${silent} ${trial} the best is ${told(best)}${next}${guessed}. Taken: ${taken}.${by === "information" ? ` ${weaker}` : ""}`;
  }
  const guess = rivals.find((each) => each.isGuess);
  if (guess) {
    const rest = listed([best, ...rivals.filter((rival) => rival !== guess)]);
    return `${silent} ${trial} nothing tells the guess, ${told(guess)}, from ${rest}. The guess is taken: ${taken}. ${advice}`;
  }
  return `${silent} ${trial} none is right more often than chance; the best is ${told(best)}. Guessed from the input shape: ${taken}. ${advice}`;
}

/** Ways that a sentence lists. */
const named = 3;

const weaker = "Without labels this is weak evidence: check it on an image whose class you know.";

/** "raw in bgr (74.2 % right)"; the setting in full where it is no preset. */
function scored({ by, images }: Finding, { preprocessing, score, images: seen }: TriedPreprocessing): string {
  const preset = presetOf(preprocessing);
  const name =
    preset === null
      ? preprocessingText(preprocessing)
      : preprocessing.colour === "bgr"
        ? `${preset} in bgr`
        : preset;
  const figure =
    by === "labels" ? `${(score * 100).toFixed(1)} % right` : `${score.toFixed(2)} nats an image`;
  return `${name} (${figure}${seen < images ? `, of the first ${seen}` : ""})`;
}
