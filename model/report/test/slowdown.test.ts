/** A compressed model that is slower says so, with its interval, and names the operators that cost it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeTime } from "@cupel/runtime";
import { isSlower, slowdownOf } from "../src/judge/slowdown.ts";
import { operatorTimes } from "../src/measure/operator-times.ts";

const time = (opType: string, meanMs: number, node = opType): NodeTime => ({
  node,
  opType,
  provider: "CPUExecutionProvider",
  totalMs: meanMs,
  runs: 1,
  meanMs,
  share: 0,
});
const ratio = { value: 2.1, low: 1.9, high: 2.3 };

test("slower is what is slower even at the lower end of the interval, by more than three per cent", () => {
  assert.equal(isSlower({ value: 1.2, low: 1.031, high: 1.4 }), true);
  assert.equal(isSlower({ value: 1.2, low: 1.03, high: 1.4 }), false);
  assert.equal(isSlower({ value: 1.5, low: 0.9, high: 2.2 }), false);
  assert.equal(isSlower({ value: 0.4, low: 0.3, high: 0.5 }), false);
});

describe("the times of operators", () => {
  test("a form of the engine's counts under the operator it is a form of", () => {
    const original = [[time("FusedConv", 1), time("com.microsoft.FusedMatMul", 2), time("MaxPool", 3)]];
    const compressed = [
      [
        time("QLinearConv", 2, "a"),
        time("NhwcFusedConv", 2, "b"),
        time("MatMulIntegerToFloat", 1),
        time("NhwcMaxPool", 3),
        time("QuantizeLinear", 0.5),
      ],
    ];
    assert.deepEqual(operatorTimes({ original, compressed }), [
      { operator: "Conv", originalMs: 1, compressedMs: 4 },
      { operator: "QuantizeLinear", originalMs: 0, compressedMs: 0.5 },
      { operator: "MaxPool", originalMs: 3, compressedMs: 3 },
      { operator: "MatMul", originalMs: 2, compressedMs: 1 },
    ]);
  });

  test("one profile that something disturbed changes nothing", () => {
    const original = [[time("Conv", 1)], [time("Conv", 50)], [time("Conv", 2)]];
    const [conv] = operatorTimes({ original, compressed: [[time("Conv", 3)]] });
    assert.deepEqual(conv, { operator: "Conv", originalMs: 2, compressedMs: 3 });
  });
});

describe("what is named", () => {
  const added = (operator: string, ms: number, before = 0) => ({
    operator,
    originalMs: before,
    compressedMs: before + ms,
  });

  test("is what adds three quarters of the time, in words with its figures", () => {
    const times = [added("QuantizeLinear", 6), added("Mul", 2, 0.25), added("Add", 1), added("Conv", -3, 4)];
    const { operators, sentence } = slowdownOf(ratio, times);
    assert.deepEqual(
      operators.map(({ operator }) => operator),
      ["QuantizeLinear", "Mul"],
    );
    assert.equal(
      sentence,
      "The compressed model takes 2.10 times as long as the original, 95 % interval 1.90 to 2.30. " +
        "What costs it: QuantizeLinear, 0 ms before and 6.00 ms after; Mul, 0.250 ms before and 2.25 ms after.",
    );
  });

  test("is at most three operators", () => {
    const many = Array.from({ length: 9 }, (_, i) => added(`Op${i}`, 1));
    assert.equal(slowdownOf(ratio, many).operators.length, 3);
  });

  test("is nothing where no operator takes longer by itself", () => {
    const { operators, sentence } = slowdownOf(ratio, [added("Conv", -1, 4)]);
    assert.deepEqual(operators, []);
    assert.match(sentence, /2\.10 times .* No operator takes longer by itself\.$/);
  });
});
