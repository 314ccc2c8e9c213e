/** Writes a compressed model so that it keeps to the floor: where it does not at first, with operators in float. */
import { rm } from "node:fs/promises";
import { CupelError } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { VerifiedModel } from "@cupel/predict";
import type { AdjustableResult, CompressResult } from "../compress.ts";
import type { Floor } from "./floor.ts";
import { floorCheck, type VerifyCompressedOptions, type WrittenCheck } from "./verify-compressed.ts";

export interface FloorTrial {
  /** Of the original. */
  readonly path: string;
  readonly floor: Floor | null;
  readonly verification: VerifyCompressedOptions;
}

/** What misses the floor is tried once more with operators in float. @throws what `write` throws */
export async function writtenWithinFloor(
  { result, inFloatUntil }: AdjustableResult,
  write: (model: Model) => Promise<VerifiedModel<WrittenCheck>>,
  { path, floor, verification }: FloorTrial,
): Promise<{ readonly result: CompressResult; readonly written: VerifiedModel<WrittenCheck> }> {
  try {
    return { result, written: await write(result.model) };
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "FLOOR_MISSED" || floor === null) throw thrown;
    const other = await inFloatUntil(await floorCheck(path, { ...verification, floor }));
    if (other === null) throw thrown;
    // Weights beside it that were there before are not among them.
    for (const refused of [thrown.details.path, thrown.details.dataPath]) {
      if (typeof refused === "string") await rm(refused, { force: true });
    }
    return { result: other, written: await write(other.model) };
  }
}
