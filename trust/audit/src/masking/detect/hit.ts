/** What a detector finds in a text. */

/** In this order where two hits overlap: the first counts. */
export const detectedKinds = ["secret", "email", "residentId", "bankCard", "mobile", "ip"] as const;
export type DetectedKind = (typeof detectedKinds)[number];

export interface Hit {
  readonly kind: DetectedKind;
  /** Where it stands in the text, in UTF-16 units; `end` is the first that is not of it. */
  readonly start: number;
  readonly end: number;
  /** One spelling for all: digits without separators, capitals of an address made small. */
  readonly canonical: string;
}
