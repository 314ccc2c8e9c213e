/** The least that a compressed model must keep of the original, as it is written on the command line. */
import { defaultFloor, type Floor } from "@cupel/compress";
import { type Option, parsed } from "../arguments/option.ts";

const number = String.raw`(\d+\.?\d*|\.\d+)`;
const share = new RegExp(`^${number}$`);
const decibels = new RegExp(`^(-?)${number} ?dB$`, "i");

/** Undefined when left out; null for none. */
export const floorOption: Option<Floor | null | undefined> = parsed(
  {
    name: "floor",
    placeholder: "FLOOR",
    summary:
      "Least that must be left of the original on calibration images, else the file is kept aside: a share of same " +
      "predictions or boxes such as 0.9, for other outputs a signal to noise such as 20dB, both as 0.9,20dB, or none",
    fallback: `${defaultFloor.samePrediction},${defaultFloor.sqnrDb}dB`,
  },
  "a share from 0 to 1 such as 0.9, a signal to noise such as 20dB, both as 0.9,20dB, or none",
  parseFloor,
);

function parseFloor(given: string): Floor | null | undefined {
  if (given === "none") return null;
  let floor: Partial<Floor> = {};
  for (const part of given.split(",")) {
    const [, sign, db] = decibels.exec(part.trim()) ?? [];
    const read: Partial<Floor> | null =
      db !== undefined
        ? { sqnrDb: Number(`${sign}${db}`) }
        : share.test(part.trim()) && Number(part) <= 1
          ? { samePrediction: Number(part) }
          : null;
    // Neither twice: the second would silently replace the first.
    if (read === null || Object.keys(read).some((key) => Object.hasOwn(floor, key))) return undefined;
    floor = { ...floor, ...read };
  }
  return { ...defaultFloor, ...floor };
}
