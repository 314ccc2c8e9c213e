/** What a compression tells on its way, in sentences that name the options of the command. */
import type { CompressionFact } from "@cupel/compress";
import { chanceSentence } from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import { remarkPreprocessing } from "../input/preprocessing-option.ts";
import { UnreadableImages } from "../input/unreadable-images.ts";
import { countText, numberOf } from "../terminal/figures.ts";

type Kind = CompressionFact["kind"];
type FactOf<Each extends Kind> = Extract<CompressionFact, { kind: Each }>;
type Remark = (sentence: string) => void;

export interface FactContext {
  /** Path, as given. */
  readonly model: string;
  /** All that calibration may choose from. */
  readonly images: ImageSource | undefined;
}

/** One row a kind. */
const remarks: {
  readonly [Each in Kind]: (fact: FactOf<Each>, remark: Remark, about: FactContext) => void;
} = {
  preprocessing: (fact, remark, { model }) => remarkPreprocessing(model, fact, remark),
  chance({ chance }, remark, { model }) {
    const sentence = chanceSentence(model, chance);
    if (sentence !== null) remark(sentence);
  },
  labelsUnused: ({ problem }, remark) => remark(`${problem}. Its labels are not used.`),
  labelsByOrder: ({ sentence }, remark) => remark(sentence),
  keptApart: ({ images, of }, remark) =>
    remark(
      `There are no --eval-images: ${countText(images)} of the ${countText(of)} images were kept apart to judge by.`,
    ),
  notKeptApart: ({ of }, remark) =>
    remark(
      `There are no --eval-images, and ${numberOf(of, "image")} are too few to keep some apart: ` +
        "the report judges by the images it calibrated with, so its accuracy is optimistic.",
    ),
  written: () => {},
  unreadable({ images }, remark, about) {
    const sentence = about.images ? new UnreadableImages(images).sentence(about.images) : null;
    if (sentence !== null) remark(sentence);
  },
  note: ({ sentence }, remark) => remark(sentence),
};

export function remarkFact<Each extends Kind>(
  fact: { readonly [One in Each]: FactOf<One> & { readonly kind: One } }[Each],
  remark: Remark,
  about: FactContext,
): void {
  remarks[fact.kind](fact, remark, about);
}
