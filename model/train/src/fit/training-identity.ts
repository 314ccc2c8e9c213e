/**
 * What makes one training the same as another: the network it began with, the images, and every setting that
 * a resumed training MUST share to end in the same weights. The schedule and the number of epochs are not among
 * them, so that a training can be resumed for more epochs, or with a lower learning rate. Of images, names and labels count.
 */

import { createHash } from "node:crypto";
import { own } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import type { ImageSource } from "@cupel/vision";

/** What it is called in a message, and a text that is equal when it is. */
export type TrainingIdentity = Readonly<Record<string, string>>;

export interface TrainingParts {
  readonly network: Model;
  readonly train: ImageSource;
  readonly validation: ImageSource | null;
  /** JSON-serialisable, by name; undefined where the default holds. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export function trainingIdentity({ network, train, validation, settings }: TrainingParts): TrainingIdentity {
  return {
    network: digest(encodeModel(network)),
    "training images": images(train),
    "validation images": validation === null ? "none" : images(validation),
    ...Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value) ?? "default"]),
    ),
  };
}

/** Null when they are equal; else the first difference, in words. */
export function differenceOf(then: TrainingIdentity, now: TrainingIdentity): string | null {
  const name = Object.keys(now).find((each) => own(then, each) !== own(now, each));
  return name === undefined
    ? null
    : `${name} was ${own(then, name) ?? "unknown"} then and is ${own(now, name)} now`;
}

function images(source: ImageSource): string {
  const names = Array.from({ length: source.length }, (_, i) => `${source.id(i)}\t${source.label(i)}\n`);
  return `${source.length} images ${digest([Buffer.from(names.join(""))])}`;
}

function digest(chunks: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex").slice(0, 16);
}
