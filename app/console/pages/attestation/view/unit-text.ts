/** A figure in its unit. */
import {
  bytesText,
  type Figure,
  figureText,
  isFigure,
  MISSING,
  percentText,
  pointsText,
} from "../../../shared/view/number-text.ts";
import type { AttestedUnit } from "../../../src/pages.ts";

const texts: Readonly<Record<AttestedUnit, (value: number) => string>> = {
  share: (value) => percentText(value, 2),
  points: (value) => `${pointsText(value, 2)}\u00a0points`,
  dB: (value) => `${figureText(value)}\u00a0dB`,
  number: (value) => figureText(value, 4),
  bytes: (value) => bytesText(value),
  ratio: (value) => figureText(value),
};

export function unitText(unit: AttestedUnit, value: Figure): string {
  return isFigure(value) ? texts[unit](value) : MISSING;
}
