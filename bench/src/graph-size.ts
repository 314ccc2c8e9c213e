/**
 * What a graph costs by its size: building, differentiating and compiling grow with the nodes, and what
 * JavaScript does in a run does not, since a run crosses into the engine once. Reuse holds on to nothing.
 */
import { spreadOf } from "@cupel/base";
import { attribute, encodeModelBytes, type Model } from "@cupel/onnx";
import { type InferenceSession, openSession, randomFeeds, watchMemory } from "@cupel/runtime";
import { differentiate } from "@cupel/train";
import { type Allocation, allocationOf } from "./allocation.ts";
import type { Benchmark } from "./benchmark.ts";
import { megabytes, tableText } from "./figures.ts";
import { residualChain } from "./models/residual-chain.ts";

const sizes = [10, 100, 1000] as const;
const reuses = 1000;
const allocationRuns = 500;
/** Building and differentiating are repeated, since the first time compiles the compiler. */
const repeats = 5;
const mostGrowth = 5e6;
/** Bytes of JavaScript for one more node in one more run: a single small object would be 16. */
const mostBytesPerNode = 1;

interface Figures {
  readonly nodes: number;
  readonly buildMs: number;
  readonly differentiateMs: number;
  readonly forward: GraphFigures;
  /** The loss, and the norm of the gradients of all weights, squared. */
  readonly gradients: GraphFigures;
}

interface GraphFigures {
  readonly nodes: number;
  readonly compileMs: number;
  readonly firstRunMs: number;
  readonly steadyRunMs: number;
  /** Bytes a run. */
  readonly allocation: Allocation;
  /** Bytes over all reuses after warm-up. */
  readonly growth: number;
  readonly memory: string;
}

export const graphSize: Benchmark = {
  name: "graph-size",
  claim:
    "10, 100, 1,000 nodes: a run allocates no JavaScript per node, and 1,000 reuses grow by less than 5 MB.",
  peer: "the same chain of blocks with ten nodes",
  takes: "2 min",
  async run({ print, signal }) {
    const measured: Figures[] = [];
    for (const nodes of sizes) measured.push(await measureSize(nodes, signal));
    const rows = measured.flatMap(({ nodes, buildMs, differentiateMs, forward, gradients }) => [
      [`${nodes}`, ms(buildMs), ...graphCells(forward)],
      [`${nodes} and gradients: ${gradients.nodes}`, ms(differentiateMs), ...graphCells(gradients)],
    ]);
    print(
      tableText([
        [
          "nodes",
          "build",
          "compile",
          "first run",
          "steady run",
          "JS bytes a run",
          "in the session",
          "1,000 reuses",
        ],
        ...rows,
      ]),
    );
    const [small] = measured;
    const large = measured.at(-1)!;
    const perNode = (kind: "forward" | "gradients") =>
      (totalOf(large[kind].allocation) - totalOf(small![kind].allocation)) /
      (large[kind].nodes - small![kind].nodes);
    const bytesPerNode = Math.max(perNode("forward"), perNode("gradients"));
    const growth = Math.max(
      ...measured.flatMap(({ forward, gradients }) => [forward.growth, gradients.growth]),
    );
    return {
      kind: "measured",
      figures: { reuses, sizes: measured, bytesPerNode, growth },
      bars: [
        {
          claim: `JavaScript of a run: under ${mostBytesPerNode} byte a node`,
          measured: bytesPerNode.toFixed(2),
          isMet: bytesPerNode < mostBytesPerNode,
          isExact: true,
        },
        {
          claim: `${reuses} reuses grow by less than ${megabytes(mostGrowth)}`,
          measured: megabytes(growth),
          isMet: growth < mostGrowth,
          isExact: true,
        },
      ],
      quote:
        `a graph of 1,000 nodes is built in ${ms(large.buildMs)}, differentiated in ${ms(large.differentiateMs)} and compiled in ` +
        `${ms(large.forward.compileMs)}; a run allocates ${Math.max(bytesPerNode, 0).toFixed(2)} bytes of JavaScript a node, and 1,000 reuses grow by ${megabytes(growth)}.`,
    };
  },
};

async function measureSize(nodes: number, signal: AbortSignal): Promise<Figures> {
  const { model } = residualChain(nodes);
  const { model: withLoss, weights } = residualChain(nodes, { loss: true });
  const gradientsOf = () => differentiate(withLoss, { loss: "loss", wrt: weights });
  return {
    nodes,
    buildMs: timeOf(() => encodeModelBytes(residualChain(nodes).model)),
    differentiateMs: timeOf(gradientsOf),
    forward: await measureGraph(model, signal),
    gradients: await measureGraph(withNorm(gradientsOf()), signal),
  };
}

/** Gradients stay in the engine, as in training: what leaves it is the loss and one norm, as clipping takes it. */
function withNorm(model: Model): Model {
  const { graph } = model;
  const [loss, ...gradients] = graph.outputs;
  const squares = gradients.map(
    (gradient) =>
      graph.append({
        opType: "ReduceSumSquare",
        inputs: [gradient],
        attributes: { keepdims: attribute.int(0) },
      }).output,
  );
  const norm = graph.append({ opType: "Sum", inputs: squares, outputs: ["norm"], type: loss!.type! }).output;
  graph.outputs.splice(0, graph.outputs.length, loss!, norm);
  return model;
}

async function measureGraph(model: Model, signal: AbortSignal): Promise<GraphFigures> {
  const bytes = encodeModelBytes(model);
  const opening = performance.now();
  await using session = await openSession(bytes, { threads: 1, signal });
  const compileMs = performance.now() - opening;
  const feeds = randomFeeds(session.inputs, 1);
  const run = async () => (await session.timedRun(feeds)).engineMs;
  const firstRunMs = await run();
  using watch = watchMemory();
  const times: number[] = [];
  for (let reuse = 0; reuse < reuses; reuse++) {
    signal.throwIfAborted();
    times.push(await run());
    watch.sample(reuse);
  }
  const { diagnosis, verdict } = watch.report();
  return {
    nodes: model.graph.nodes.length,
    compileMs,
    firstRunMs,
    steadyRunMs: spreadOf(times).median,
    allocation: await allocationPerRun(session, feeds),
    growth: diagnosis.kind === "too-few-samples" ? Number.NaN : diagnosis.resident.total,
    memory: verdict,
  };
}

async function allocationPerRun(
  session: InferenceSession,
  feeds: ReturnType<typeof randomFeeds>,
): Promise<Allocation> {
  const { thisThread, workers } = await allocationOf(async () => {
    for (let run = 0; run < allocationRuns; run++) await session.run(feeds);
  });
  return { thisThread: thisThread / allocationRuns, workers: workers / allocationRuns };
}

/** Milliseconds, median. */
function timeOf(work: () => unknown): number {
  const times = Array.from({ length: repeats }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return spreadOf(times).median;
}

function graphCells(graph: GraphFigures): string[] {
  return [
    ms(graph.compileMs),
    ms(graph.firstRunMs),
    ms(graph.steadyRunMs),
    graph.allocation.thisThread.toFixed(0),
    graph.allocation.workers.toFixed(0),
    megabytes(graph.growth),
  ];
}

const totalOf = ({ thisThread, workers }: Allocation) => thisThread + workers;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
