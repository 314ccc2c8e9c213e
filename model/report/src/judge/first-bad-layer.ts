/**
 * Names the first layer, in execution order, whose error stands out, and says what to do about it. A
 * layer stands out when all four hold:
 *
 * 1. Its error can be felt: SQNR under 30 dB, which is an error above 3 % of the signal.
 * 2. It is worse than its like: 6 dB (twice the error) below the median SQNR of the layers before it with
 *    weights of as many bits. Where fewer than five came before, a rule of thumb stands in for the median:
 *    6.02 dB a bit less 20 dB, and never under 12 dB.
 * 3. The error arises here: it loses 3 dB against the worst of its inputs, or reads the image itself.
 *    Without this, every layer behind a bad one would be accused as well.
 * 4. The error lasts: some layer that reads it, if there is any, does not win back 10 dB, which is nine
 *    tenths of the error. Networks hold channels that vary hugely and that nothing behind them heeds;
 *    such a layer looks terrible and costs nothing. It is reported apart, as harmless.
 *
 * The median of what came before, not of all, is the yardstick: errors grow along a network, and one bad
 * early layer spoils everything after it, so that in hindsight it would look ordinary.
 */
import type { CompressionReport, LayerReport } from "../report-schema.ts";
import { overrideAdvice } from "./override-advice.ts";

const felt = 30;
const standsOut = 6;
const arisesHere = 3;
const wonBack = 10;
const fewestPeers = 5;
/** Share of the squared error in one channel that makes the channel worth naming. */
const oneChannel = 0.9;
/** Fewer channels than this are no crowd to stand out from. */
const fewestChannels = 4;

export type JudgedLayer = Pick<
  LayerReport,
  "name" | "operator" | "weightBits" | "sqnrDb" | "channelError"
> & {
  /** Names of the layers it reads; none when it reads the image only. */
  readonly inputs: readonly string[];
  /** What the recipe calls the layer; null when it has no weights. */
  readonly recipeName: string | null;
};

export interface Judgement {
  readonly firstBad: CompressionReport["firstBadLayer"];
  /** A sentence on layers whose error is large and does not last; null when there are none. */
  readonly harmless: string | null;
}

/** @param layers in execution order. @param hasRecipe whether there is a recipe to advise on. */
export function judgeLayers(layers: readonly JudgedLayer[], hasRecipe = true): Judgement {
  const sqnrOf = new Map(layers.map((layer) => [layer.name, layer.sqnrDb]));
  const harmless: JudgedLayer[] = [];
  let firstBad: Judgement["firstBad"] = null;
  for (const [index, layer] of layers.entries()) {
    const usual = usualSqnr(layer, layers.slice(0, index));
    const input = Math.min(...layer.inputs.map((name) => sqnrOf.get(name) ?? Number.POSITIVE_INFINITY));
    const isStriking =
      layer.sqnrDb < felt &&
      layer.sqnrDb < usual.sqnrDb - standsOut &&
      (layer.inputs.length === 0 || layer.sqnrDb < input - arisesHere);
    if (!isStriking) continue;
    const readers = layers.filter(({ inputs }) => inputs.includes(layer.name));
    const lasts = readers.length === 0 || readers.some(({ sqnrDb }) => sqnrDb < layer.sqnrDb + wonBack);
    if (!lasts) harmless.push(layer);
    else {
      const advice = hasRecipe ? ` ${adviceFor(layer)}` : "";
      firstBad ??= { layer: layer.name, sentence: `${sentenceFor(layer, usual, input)}${advice}` };
    }
  }
  return { firstBad, harmless: harmless.length > 0 ? harmlessSentence(harmless) : null };
}

interface Usual {
  readonly sqnrDb: number;
  /** How many layers it is the median of; 0 for the rule of thumb. */
  readonly peers: number;
}

function usualSqnr(layer: JudgedLayer, before: readonly JudgedLayer[]): Usual {
  // Without weights only the activation is rounded: such a layer is like any other.
  const peers = before.filter(
    ({ weightBits }) => layer.weightBits === null || weightBits === layer.weightBits,
  );
  if (peers.length < fewestPeers) {
    const bits = Math.min(8, layer.weightBits ?? 8);
    return { sqnrDb: Math.max(12, 6.02 * bits - 20), peers: 0 };
  }
  const sorted = peers.map(({ sqnrDb }) => sqnrDb).sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { sqnrDb: median, peers: sorted.length };
}

function sentenceFor(layer: JudgedLayer, usual: Usual, input: number): string {
  const made = layer.weightBits === null ? "" : `, ${weightText(layer.weightBits)}`;
  const share = 100 * 10 ** (-layer.sqnrDb / 20);
  const like =
    usual.peers > 0 && Number.isFinite(usual.sqnrDb)
      ? `, where the layers before it${layer.weightBits === null ? "" : " with as many bits"} have ${decibels(usual.sqnrDb)}`
      : "";
  const source =
    layer.inputs.length === 0
      ? "It reads the image itself"
      : Number.isFinite(input)
        ? `Its inputs still have ${decibels(input)}`
        : "Its inputs are exact";
  return (
    `"${layer.name}" (${layer.operator}${made}) is the first layer whose error stands out: ` +
    `${Number(share.toPrecision(2))} % of its signal, an SQNR of ${decibels(layer.sqnrDb)}${like}. ` +
    `${source}, so the error arises here${channelText(layer)}.`
  );
}

function harmlessSentence(layers: readonly JudgedLayer[]): string {
  const named = layers.map((layer) => `"${layer.name}" (${decibels(layer.sqnrDb)}${channelText(layer)})`);
  return layers.length === 1
    ? `The error of ${named[0]} is large but does not last: the layers that read it are as good as before.`
    : `The errors of ${named.join(", ")} are large but do not last: the layers that read them are as good as before.`;
}

/** ", almost all of it in channel 6", or nothing. */
function channelText({ channelError }: JudgedLayer): string {
  // A removed channel has none.
  const squares = channelError.map((error) => (Number.isNaN(error) ? 0 : error * error));
  const worst = Math.max(...squares);
  const isAlone =
    squares.length >= fewestChannels && worst >= oneChannel * squares.reduce((sum, each) => sum + each, 0);
  return isAlone ? `, almost all of it in channel ${squares.indexOf(worst)}` : "";
}

function adviceFor({ weightBits, recipeName }: JudgedLayer): string {
  if (recipeName === null || weightBits === null || weightBits > 8)
    return "Try another range method in the recipe's calibration.";
  return weightBits < 8
    ? `Give it 8 bits: ${overrideAdvice(recipeName, 8)}.`
    : `Try another range method in the recipe's calibration, or keep it in float: ${overrideAdvice(recipeName, "float")}.`;
}

function weightText(bits: number): string {
  return bits > 8 ? "float weights" : `${bits}-bit weights`;
}

function decibels(value: number): string {
  return `${value.toFixed(1)} dB`;
}
