/** What is concluded from figures: what they say for sure, and nothing else. */
import assert from "node:assert/strict";
import test from "node:test";
import { adviceOf } from "../src/compare/advice.ts";
import type { CellSummary } from "../src/compare/summarise.ts";
import type { Cell } from "../src/scenario/scenario.ts";
import { everyCell } from "../src/scenario/scenarios.ts";

const plain = everyCell[0]!;
const h2 = (connections: number) => ({ http: 2, connections }) as const;
const interval = (low: number, value: number, high: number) => ({ low, value, high });

/** P99 with its interval. */
function row(
  cell: Partial<Cell>,
  p99: readonly [low: number, value: number, high: number],
  more: Partial<CellSummary> = {},
): CellSummary {
  const figure = interval(...p99);
  return {
    cell: { ...plain, ...cell },
    runs: 6,
    mean: figure,
    p50: figure,
    p90: figure,
    p99: figure,
    p999: figure,
    firstByteP50: figure,
    failed: 0,
    causes: {},
    missed: [],
    carriedPerSecond: figure,
    lagP99: interval(0, 0.1, 0.2),
    isPunctual: true,
    bytes: null,
    packets: null,
    connections: null,
    connectionsLater: null,
    reuse: null,
    extraSends: 0,
    clientCpuMs: 1,
    serverCpuMs: 1,
    ...more,
  };
}

const titles = (cells: readonly CellSummary[]) => adviceOf(cells, "emulated").map(({ title }) => title);
const textOf = (cells: readonly CellSummary[], title: string) =>
  adviceOf(cells, "emulated").find((each) => each.title === title)?.text ?? "";

const connections = "Connections matter more than protocol";

test("connections matter more where the least they come to is above the most that protocols do", () => {
  const cells = [
    row({ policy: h2(1) }, [900, 950, 1000]),
    row({ policy: h2(64) }, [420, 440, 460]),
    row({ policy: h2(64), protocol: "grpc-web" }, [430, 450, 480]),
  ];
  assert.match(textOf(cells, connections), /move P99 by 440 ms at least, and the protocol by 60 ms at most/);
  assert.match(textOf(cells, "How many connections"), /h2 x 64.* 440 ms \(420 to 460\); .*h2 x 1,.* 950 ms/);
  assert.match(textOf(cells, "The lowest P99"), /^grpc, h2 x 64.*Not to be told from it: grpc-web.*450 ms/);
});

test("it is not said where intervals let both be", () => {
  const overlapping = [
    row({ policy: h2(1) }, [440, 950, 1000]),
    row({ policy: h2(64) }, [420, 440, 460]),
    row({ policy: h2(64), protocol: "grpc-web" }, [430, 450, 480]),
  ];
  assert.deepEqual(titles(overlapping), ["The lowest P99"]);
  // Sure, and less than what protocols may come to.
  const less = [
    row({ policy: h2(1) }, [500, 950, 1000]),
    row({ policy: h2(64) }, [420, 440, 460]),
    row({ policy: h2(64), protocol: "grpc-web" }, [430, 450, 480]),
  ];
  assert.deepEqual(titles(less), ["The lowest P99", "How many connections"]);
});

test("the protocol matters more where that is what figures say", () => {
  const cells = [
    row({ policy: h2(1) }, [150, 155, 160]),
    row({ policy: h2(64) }, [150, 155, 162]),
    row({ policy: h2(64), protocol: "rest-json" }, [300, 310, 320]),
  ];
  assert.ok(titles(cells).includes("Protocol matters more than connections"));
});

test("rows that differ in two things are not compared", () => {
  const cells = [
    row({ policy: h2(1), protocol: "grpc" }, [900, 950, 1000]),
    row({ policy: h2(64), protocol: "connect" }, [420, 440, 460]),
  ];
  assert.deepEqual(titles(cells), ["The lowest P99"]);
  assert.match(textOf(cells, "The lowest P99"), /Every other row is slower for sure/);
});

test("fewer than six rounds conclude nothing", () => {
  const none = [Number.NEGATIVE_INFINITY, 440, Number.POSITIVE_INFINITY] as const;
  const cells = [row({ policy: h2(1) }, [none[0], 950, none[2]]), row({ policy: h2(64) }, none)];
  assert.deepEqual(titles(cells), ["Too few rounds"]);
  assert.deepEqual(titles([]), []);
});

test("late rows are left out, failing ones are no choice, hedges say their price, and delay alone says what it is", () => {
  const cells = [
    row({ policy: h2(1) }, [100, 110, 120], { isPunctual: false }),
    row({ policy: h2(8) }, [130, 140, 150], { failed: 0.02 }),
    row({ policy: h2(64) }, [420, 440, 460]),
    row({ policy: h2(64), hedgeMs: 200 }, [310, 320, 330], { extraSends: 0.024 }),
  ];
  assert.match(textOf(cells, "Not on time"), /^1 of 4/);
  assert.match(textOf(cells, "The lowest P99"), /hedged after 200 ms: 320 ms/);
  assert.match(textOf(cells, "Whether to send twice"), /It costs 2\.4 % more sends/);
  assert.equal(adviceOf(cells, "delay-only")[0]?.title, "Of delay alone");
});
