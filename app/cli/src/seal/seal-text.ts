/** What a seal says, for a person. Pure: data in, text out. */
import type { Figures, SealSigner } from "@cupel/attest";
import { valueText } from "../eval/evaluation-text.ts";
import { pointsText, ratioText } from "../terminal/figures.ts";

export function signerText({ by }: SealSigner): string {
  switch (by.kind) {
    case "key":
      return `key ${by.keyId}`;
    case "certificate":
      return `certificate of ${by.subject.replaceAll("\n", ", ")}, SHA-256 ${by.fingerprint}`;
    case "keyless":
      return `${by.identity}, as ${by.issuer} says`;
    case "root":
      return `nobody: the root ${by.root} is trusted`;
  }
}

/** One line a figure. */
export function figureLines({ measured, differences }: Figures): string[] {
  return [
    ...measured.map(
      ({ name, unit, original, compressed, of }) =>
        `${name}: ${figureText(unit, original)} before, ${figureText(unit, compressed)} after${of === "" ? "" : `, ${of}`}`,
    ),
    ...differences.map(({ name, unit, value, interval, of }) => {
      const range =
        interval === null
          ? ""
          : `, 95 % interval ${figureText(unit, interval.low)} to ${figureText(unit, interval.high)}`;
      return `${name}, against the original: ${figureText(unit, value)}${range}${of === "" ? "" : `, ${of}`}`;
    }),
  ];
}

function figureText(unit: Figures["measured"][number]["unit"], value: number | null): string {
  if (value === null) return "not known";
  if (unit === "points") return `${pointsText(value)} points`;
  if (unit === "bytes") return `${value.toLocaleString("en-US")} bytes`;
  return unit === "ratio" ? ratioText(value) : valueText(unit, value);
}
