/** Peak memory, three ways of counting, for honest comparison with figures from elsewhere. */
import type { MemoryReport } from "@cupel/report";
import { bytesText, isFigure } from "../../../shared/view/number-text.ts";
import { type BarPair, PairedBars } from "./paired-bars.tsx";

interface MemoryBarsProps {
  readonly original: MemoryReport;
  readonly compressed: MemoryReport;
}

const COUNTS: readonly {
  readonly of: keyof MemoryReport;
  readonly title: string;
  readonly explanation: string;
}[] = [
  {
    of: "aboveBareProcessBytes",
    title: "Above a bare process",
    explanation: "What the model adds to a process that loads the same engine.",
  },
  { of: "wholeProcessBytes", title: "Whole process", explanation: "Everything, Node.js included." },
  {
    of: "anonymousBytes",
    title: "Anonymous",
    explanation: "Without files that the system may drop from memory again.",
  },
];

export function MemoryBars({ original, compressed }: MemoryBarsProps) {
  const pairs = COUNTS.flatMap(({ of, title, explanation }): BarPair[] => {
    const [before, after] = [original[of], compressed[of]];
    if (!isFigure(before) || !isFigure(after)) return [];
    const bar = (value: number) => ({ value, text: bytesText(value) });
    return [{ title, explanation, original: bar(before), compressed: bar(after) }];
  });
  if (pairs.length === 0)
    return <p class="muted">This system does not tell how much memory a process took.</p>;
  return <PairedBars pairs={pairs} />;
}
