/**
 * Which operators the time of two models goes to. The engine gives what it fuses, rounds or lays out otherwise a name of
 * its own (QLinearConv, FusedConv, QGemm, NhwcMaxPool): such a node counts under the operator of the model that it is a
 * form of, so that what an operator takes on integers stands beside what it took in float. What is in one model only,
 * such as QuantizeLinear, took nothing in the other.
 */
import { own, spreadOf } from "@cupel/base";
import type { NodeTime } from "@cupel/runtime";
import type { ModelPair } from "../model-pair.ts";

/** Milliseconds of one image. */
export interface OperatorTime {
  readonly operator: string;
  readonly originalMs: number;
  readonly compressedMs: number;
}

const prefixes = /^(?:QLinear|Fused|Nhwc)+(?=[A-Z])/;
const otherNames: Readonly<Record<string, string>> = {
  QGemm: "Gemm",
  ConvInteger: "Conv",
  MatMulInteger: "MatMul",
  MatMulIntegerToFloat: "MatMul",
  DynamicQuantizeMatMul: "MatMul",
};

function operatorOf(opType: string): string {
  const bare = opType.split(".").at(-1)!;
  return own(otherNames, bare) ?? bare.replace(prefixes, "");
}

/** @param profiles several of each model. @returns those with the most added time first. */
export function operatorTimes(profiles: ModelPair<readonly (readonly NodeTime[])[]>): OperatorTime[] {
  const original = timesOf(profiles.original);
  const compressed = timesOf(profiles.compressed);
  return [...new Set([...original.keys(), ...compressed.keys()])]
    .map((operator) => ({
      operator,
      originalMs: original.get(operator) ?? 0,
      compressedMs: compressed.get(operator) ?? 0,
    }))
    .sort((a, b) => b.compressedMs - b.originalMs - (a.compressedMs - a.originalMs));
}

/** The median over the profiles of what all nodes of an operator take together. */
function timesOf(profiles: readonly (readonly NodeTime[])[]): Map<string, number> {
  const each = profiles.map((nodes) => {
    const times = new Map<string, number>();
    for (const { opType, meanMs } of nodes) {
      const operator = operatorOf(opType);
      times.set(operator, (times.get(operator) ?? 0) + meanMs);
    }
    return times;
  });
  const operators = new Set(each.flatMap((times) => [...times.keys()]));
  return new Map(
    [...operators].map((operator) => [
      operator,
      spreadOf(each.map((times) => times.get(operator) ?? 0)).median,
    ]),
  );
}
