/** What a reader must know before believing the figures, in sentences. */
import { type CpuFeatures, int8Advice } from "@cupel/runtime";
import type { UnreadableImage } from "@cupel/vision";
import type { ModelPair } from "../model-pair.ts";
import type { LatencyReport } from "../report-schema.ts";

export interface NoteFacts {
  readonly cpu: CpuFeatures;
  /** Of layers whose error is large and does not last. */
  readonly harmless: string | null;
  readonly unreadable: readonly UnreadableImage[];
  readonly images: number;
  /** Images whose activations were compared. */
  readonly compared: number;
  /** Layers of the original that have a counterpart. */
  readonly matched: number;
  /** Name of what the models do. */
  readonly task: string;
  readonly labelled: boolean;
  /** A sentence, where labels met the classes by their order. */
  readonly labelOrder: string | null;
  /** Sentences on what the models are fed, and the size at which they are measured where they leave it open. */
  readonly fed: readonly string[];
  readonly memoryKnown: boolean;
  readonly latency: ModelPair<LatencyReport>;
  /** Images that times are means over; null where time does not depend on the image. */
  readonly timedImages: number | null;
}

/** Slowest over fastest tenth of the runs beyond which the machine was busy with something else. */
const calm = 2;

/** Unreadable images named in the report; the count is whole. */
const namedImages = 3;

export function reportNotes(facts: NoteFacts): string[] {
  const { warning } = int8Advice(facts.cpu);
  const notes = [
    warning,
    unreadableNote(facts.unreadable),
    facts.harmless,
    facts.matched > 0
      ? null
      : "No activation of the two models could be matched by name: there is nothing to compare layer by layer.",
    facts.task === "features"
      ? "Nothing is known of what the outputs mean: their values are compared, and no prediction is."
      : null,
    facts.labelled || facts.task === "features"
      ? facts.labelOrder
      : "The images carry no labels: agreement is known, accuracy is not.",
    facts.compared < facts.images
      ? `Layers were compared on ${facts.compared} of the ${facts.images} images, drawn evenly over the classes; accuracy is of all of them.`
      : null,
    facts.timedImages === null
      ? null
      : `Images leave one of the models early or take different ways through it: its speed is the mean over ${facts.timedImages} of the images, and another set of images gives another.`,
    facts.timedImages === null && Object.values(facts.latency).some(isUnsteady)
      ? "Run times varied by a factor of two and more while they were measured: other work ran on this machine, so the speed figures are rough."
      : null,
    ...facts.fed,
    facts.memoryKnown ? null : "This system does not tell how much memory a process uses.",
  ];
  return notes.filter((note) => note !== null);
}

function isUnsteady({ p10Ms, p90Ms }: LatencyReport): boolean {
  return p90Ms > calm * p10Ms;
}

function unreadableNote(unreadable: readonly UnreadableImage[]): string | null {
  if (unreadable.length === 0) return null;
  const named = unreadable.slice(0, namedImages).map(({ id }) => id);
  const rest = unreadable.length - named.length;
  const which = `${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  return unreadable.length === 1
    ? `One image could not be read and is left out: ${which}.`
    : `${unreadable.length} images could not be read and are left out: ${which}.`;
}
