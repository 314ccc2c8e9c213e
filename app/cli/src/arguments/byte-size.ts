import { own } from "@cupel/base";

/** Sizes as people write them. Decimal units mean powers of ten, as on the label of a disk. */
const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** Whole bytes, rounded down; null when the text is no size above 0. */
export function parseByteSize(text: string): number | null {
  const [, number = "", unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = own(units, unit.toLowerCase());
  if (number === "" || factor === undefined) return null;
  const bytes = Math.floor(Number(number) * factor);
  return bytes > 0 ? bytes : null;
}
