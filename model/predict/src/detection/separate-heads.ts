/** Heads that give boxes, scores and classes in outputs of their own. */
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { Size } from "@cupel/vision";
import { areNames, numbersOf } from "../written/output-numbers.ts";
import { type BoxForm, boxForms, type Head, type HeadModel, leastScore, scaled, unitOf } from "./head.ts";
import type { Candidate } from "./suppress.ts";

/** Outputs by their role, told by type, rank and last size, and by name where these leave a choice. */
function named(outputs: readonly ValueInfo[], name: RegExp, rank: number): ValueInfo | undefined {
  return outputs.find((output) => name.test(output.name) && output.dims.length === rank);
}

const isFour = ({ dims }: ValueInfo): boolean => dims.at(-1) === 4;

const ofImage = (tensor: TensorData, image: number): number[] => {
  const values = numbersOf(tensor);
  const size = values.length / (tensor.dims[0] ?? 1);
  return Array.from({ length: size }, (_, i) => values[image * size + i]!);
};

interface Listed {
  readonly boxes: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  readonly classes: ArrayLike<number>;
  readonly count: number;
  readonly form: BoxForm;
  /** The number of the first class. */
  readonly firstClass: number;
}

function listedBoxes({ boxes, scores, classes, count, form, firstClass }: Listed, tensor: Size): Candidate[] {
  const unit = unitOf(
    Array.from({ length: 4 * count }, (_, i) => boxes[i]!),
    tensor,
  );
  const found: Candidate[] = [];
  for (let row = 0; row < count; row++) {
    const score = scores[row]!;
    if (!(score >= leastScore)) continue;
    const number = (i: number): number => boxes[4 * row + i]!;
    const box = boxForms[form](number(0), number(1), number(2), number(3));
    found.push({ ...scaled(box, unit), classIndex: Math.round(classes[row]!) - firstClass, score });
  }
  return found;
}

/** Of the named classes, one fewer than the scores of a row: the first is the background. */
const hasBackground = ({ classes }: HeadModel, scores: number): boolean =>
  classes === null ? scores > 1 : classes === scores - 1;

/** `num`, `boxes`, `scores`, `classes`, a count and as many rows an image: EfficientNMS, and TensorFlow's detection models. */
const counted: Head = {
  name: "counted",
  recognise({ outputs, classes }) {
    if (outputs.length < 4) return null;
    const count = named(outputs, /num/i, 2) ?? named(outputs, /num/i, 1);
    const boxes = outputs.find((output) => output.dims.length === 3 && isFour(output));
    const scores = named(outputs, /score/i, 2);
    const labels = named(outputs, /class|label/i, 2);
    if (!count || !boxes || !scores || !labels) return null;
    const isTensorFlow = boxes.name.startsWith("detection_boxes");
    const form: BoxForm = isTensorFlow ? "cornersRowFirst" : "corners";
    const firstClass = isTensorFlow ? 1 : 0;
    return {
      sentence: isTensorFlow
        ? "boxes of TensorFlow's detection models: shares of the sides, y before x, classes counted from 1"
        : "a count, boxes, scores and classes without overlaps (EfficientNMS)",
      fetches: [count, boxes, scores, labels].map(({ name }) => name),
      classes,
      overlaps: false,
      read([countOf, boxesOf, scoresOf, labelsOf], image, tensor) {
        const list = {
          boxes: ofImage(boxesOf!, image),
          scores: ofImage(scoresOf!, image),
          classes: ofImage(labelsOf!, image),
        };
        const most = Math.min(ofImage(countOf!, image)[0]!, list.scores.length);
        return listedBoxes({ ...list, count: most, form, firstClass }, tensor);
      },
    };
  },
};

/** `boxes [K, 4]`, `scores [K]`, `labels [K]` of one image, as torchvision's detectors give them. */
const lists: Head = {
  name: "lists",
  recognise({ outputs, classes }) {
    const boxes = outputs.find((output) => output.dims.length === 2 && isFour(output) && !areNames(output));
    const scores = outputs.find((output) => output.dims.length === 1 && !areNames(output));
    const labels = outputs.find((output) => output.dims.length === 1 && areNames(output));
    if (!boxes || !scores || !labels) return null;
    return {
      sentence: "lists of boxes, scores and classes of one image, without overlaps (torchvision, SSD)",
      fetches: [boxes, scores, labels].map(({ name }) => name),
      classes,
      overlaps: false,
      imagesPerRun: 1,
      read([boxesOf, scoresOf, labelsOf], _, tensor) {
        const scoreList = numbersOf(scoresOf!);
        const list = { boxes: numbersOf(boxesOf!), scores: scoreList, classes: numbersOf(labelsOf!) };
        return listedBoxes({ ...list, count: scoreList.length, form: "corners", firstClass: 0 }, tensor);
      },
    };
  },
};

/** `selected_indices [K, 3]` of ONNX's NonMaxSuppression (image, class, box) beside the boxes and scores it chose from. */
const selected: Head = {
  name: "selected",
  recognise({ outputs, model, classes }) {
    const indices = outputs.find(({ dims, type }) => dims.length === 2 && dims[1] === 3 && type === "int64");
    const boxes = outputs.find((output) => output.dims.length === 3 && isFour(output));
    const scores = outputs.find(
      (output) => output !== boxes && output.dims.length === 3 && !areNames(output),
    );
    if (!indices || !boxes || !scores) return null;
    const nodes = model === null ? [] : [...model.graph.nodes];
    const isCentre = nodes.some(
      (node) => node.is("NonMaxSuppression") && node.int("center_point_box", 0) === 1,
    );
    const form: BoxForm = isCentre ? "centre" : "cornersRowFirst";
    return {
      sentence: `the boxes that a NonMaxSuppression chose, ${isCentre ? "middle and sides" : "corners, y before x"}`,
      fetches: [indices, boxes, scores].map(({ name }) => name),
      classes,
      overlaps: false,
      imagesPerRun: 1,
      read([indicesOf, boxesOf, scoresOf], image, tensor) {
        const chosen = numbersOf(indicesOf!);
        const scoreValues = numbersOf(scoresOf!);
        const boxValues = numbersOf(boxesOf!);
        const [, classCount = 0, boxCount = 0] = scoresOf!.dims;
        const unit = unitOf(ofImage(boxesOf!, image), tensor);
        const found: Candidate[] = [];
        for (let at = 0; at + 2 < chosen.length; at += 3) {
          const [of = 0, classIndex = 0, box = 0] = [chosen[at], chosen[at + 1], chosen[at + 2]];
          // What fills an output up is -1; a run that was filled up with black images has chosen of these too.
          if (of !== image || classIndex < 0 || box < 0) continue;
          const number = (i: number): number => boxValues[(image * boxCount + box) * 4 + i]!;
          const score = scoreValues[(image * classCount + classIndex) * boxCount + box]!;
          const edges = boxForms[form](number(0), number(1), number(2), number(3));
          found.push({ ...scaled(edges, unit), classIndex, score });
        }
        return found;
      },
    };
  },
};

/** `boxes [N, K, 4]` and `scores [N, K, classes]`, or `[N, classes, K]`, before suppression: SSD, PP-YOLOE. */
const paired: Head = {
  name: "boxes and scores",
  recognise(head) {
    const tables = head.outputs.filter((output) => output.dims.length === 3 && !areNames(output));
    const boxes = tables.find(isFour);
    const scores = tables.find((output) => output !== boxes);
    if (head.outputs.length !== 2 || !boxes || !scores) return null;
    const [, count] = boxes.dims;
    const isTransposed = scores.dims[1] !== count;
    const width = scores.dims[isTransposed ? 1 : 2];
    if (isTransposed && scores.dims[2] !== count) return null;
    if (typeof width !== "number" || width < 1) return null;
    const first = !isTransposed && hasBackground(head, width) ? 1 : 0;
    return {
      sentence: `boxes and ${width} scores each${first === 1 ? ", the first of the background" : ""} (SSD)`,
      fetches: [boxes.name, scores.name],
      classes: width - first,
      overlaps: true,
      read([boxesOf, scoresOf], image, tensor) {
        const numbers = ofImage(boxesOf!, image);
        const values = ofImage(scoresOf!, image);
        const unit = unitOf(numbers, tensor);
        const rows = values.length / width;
        return values.flatMap((score, at) => {
          const classIndex = (isTransposed ? Math.floor(at / rows) : at % width) - first;
          if (classIndex < 0 || !(score >= leastScore)) return [];
          const row = isTransposed ? at % rows : Math.floor(at / width);
          const [a = 0, b = 0, c = 0, d = 0] = numbers.slice(4 * row, 4 * row + 4);
          return [{ ...scaled(boxForms.corners(a, b, c, d), unit), classIndex, score }];
        });
      },
    };
  },
};

export const separateHeads: readonly Head[] = [selected, counted, lists, paired];
