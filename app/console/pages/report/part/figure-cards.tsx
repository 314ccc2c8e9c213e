/** Size, accuracy, latency and memory: before, after, and what that means in words. */
import type { CompressionReport } from "@cupel/report";
import {
  bytesText,
  countText,
  MISSING,
  millisecondsText,
  percentText,
  plural,
} from "../../../shared/view/number-text.ts";
import {
  agreementPhrase,
  differencePhrase,
  MEMORY_WORDS,
  ratioPhrase,
  SIZE_WORDS,
  speedPhrase,
} from "../view/verdict.ts";

interface FigureCard {
  readonly title: string;
  readonly before: string;
  readonly after: string;
  readonly meaning: string;
  readonly detail: string;
}

export function FigureCards({ report }: { readonly report: CompressionReport }) {
  const cards = [sizeCard(report), accuracyCard(report), latencyCard(report), memoryCard(report)];
  return (
    <div class="cards">
      {cards.map((card) => (
        <div class="card" key={card.title}>
          <h2>{card.title}</h2>
          <p class="change">
            <span class="visually-hidden">before </span>
            <span class="before">{card.before}</span> <span aria-hidden="true">→</span>{" "}
            <span class="visually-hidden">after </span>
            <span class="after">{card.after}</span>
          </p>
          <p class="meaning">{card.meaning}</p>
          <p class="detail">{card.detail}</p>
        </div>
      ))}
    </div>
  );
}

function sizeCard({ original, compressed }: CompressionReport): FigureCard {
  return {
    title: "Size on disk",
    before: bytesText(original.bytes),
    after: bytesText(compressed.bytes),
    meaning: ratioPhrase(original.bytes, compressed.bytes, SIZE_WORDS) ?? MISSING,
    detail: `${countText(original.bytes)} → ${countText(compressed.bytes)} bytes`,
  };
}

function accuracyCard(report: CompressionReport): FigureCard {
  const { accuracy, task } = report;
  if (accuracy === null) {
    return {
      title: "Accuracy",
      before: MISSING,
      after: MISSING,
      meaning: agreementPhrase(report),
      detail:
        task === "classification"
          ? "The images have no labels: only the agreement with the original is known"
          : `A model of ${task}`,
    };
  }
  return {
    title: "Accuracy",
    before: percentText(accuracy.top1.original),
    after: percentText(accuracy.top1.compressed),
    meaning: differencePhrase(accuracy),
    detail: `top prediction right, of ${plural(accuracy.images, "image")}`,
  };
}

function latencyCard(report: CompressionReport): FigureCard {
  const { original, compressed } = report;
  const { threads, runs } = compressed.latency;
  return {
    title: "Time for one image",
    before: millisecondsText(original.latency.medianMs),
    after: millisecondsText(compressed.latency.medianMs),
    meaning: speedPhrase(report) ?? MISSING,
    detail: `median of ${plural(runs, "run")}, ${plural(threads, "thread")}`,
  };
}

function memoryCard({ original, compressed }: CompressionReport): FigureCard {
  const before = original.memory.aboveBareProcessBytes;
  const after = compressed.memory.aboveBareProcessBytes;
  const phrase = ratioPhrase(before, after, MEMORY_WORDS);
  return {
    title: "Memory at its peak",
    before: bytesText(before),
    after: bytesText(after),
    meaning: phrase ?? "not known",
    detail: phrase === null ? "This system does not tell" : "above a bare process without a model",
  };
}
