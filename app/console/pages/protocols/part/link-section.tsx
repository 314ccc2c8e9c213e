/** One link: what to choose over it and why, the figures, and how the link was measured. */
import { useMemo, useState } from "preact/hooks";
import { LineChart } from "../../../shared/chart/line-chart.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { fixedText, percentText } from "../../../shared/view/number-text.ts";
import type { ProtocolsLink } from "../../../src/pages.ts";
import { firstChoice, missedLines, percentileLines, tailText } from "../view/curves.ts";
import { CellChoice } from "./cell-choice.tsx";
import { CellTable } from "./cell-table.tsx";
import { FactList } from "./fact-list.tsx";

interface LinkSectionProps {
  readonly id: string;
  readonly link: ProtocolsLink;
  readonly isDelayOnly: boolean;
}

export function LinkSection({ id, link, isDelayOnly }: LinkSectionProps) {
  const { name, advice, cells, verification } = link;
  const [chosen, choose] = useState(() => firstChoice(cells));
  const [first, second] = chosen;
  const percentiles = useMemo(() => percentileLines(cells, [first, second]), [cells, first, second]);
  const missed = useMemo(() => missedLines(cells, [first, second]), [cells, first, second]);
  const names = [cells[first]?.name, cells[second]?.name].join(" and ");
  return (
    <Section
      id={id}
      title={isDelayOnly ? `${name} (delay only)` : name}
      intro="A difference is told where the 95 % intervals of P99 do not overlap, and not otherwise."
    >
      <div class="panels">
        <div class="panel wide">
          <h3>What to choose, and why</h3>
          {advice.length === 0 ? (
            <p class="muted">The figures say nothing for sure.</p>
          ) : (
            <dl class="advice">
              {advice.map(({ title, text }) => (
                <div key={title + text}>
                  <dt>{title}</dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          )}
        </div>
        <div class="panel wide">
          <h3>All figures</h3>
          <p class="muted">
            Times in ms. Failed: without a good answer in time, of all that was asked. Made: connections of a
            run.
            {isDelayOnly && " Delay only: nothing was lost."}
          </p>
          <CellTable label={`Figures over ${name}`} cells={cells} />
        </div>
        <div class="panel wide">
          <CellChoice id={id} cells={cells} chosen={chosen} onChoose={choose} />
          <div class="curves">
            <div>
              <h3>Latency by percentile</h3>
              <LineChart
                label={`Latency by percentile over ${name}; in colour: ${names}. The table above has the figures.`}
                lines={percentiles}
                x={{ name: "of requests", text: tailText, fromZero: true, whole: true }}
                y={{ name: "ms", text: (ms) => fixedText(ms, 0), log: 2 }}
              />
            </div>
            <div>
              <h3>Errors by deadline</h3>
              <LineChart
                label={`Requests without a good answer by a deadline over ${name}; in colour: ${names}.`}
                lines={missed}
                x={{ name: "deadline, ms", text: (ms) => fixedText(ms, 0), log: 2 }}
                y={{ name: "not answered in time", text: shareText, log: 10 }}
              />
            </div>
          </div>
          <p class="muted">
            A line of errors ends where none is left. TCP loses no request: an error rate is a matter of the
            deadline.
          </p>
        </div>
        <div class="panel wide">
          <h3>The link, as it was measured</h3>
          <FactList facts={verification} />
        </div>
      </div>
    </Section>
  );
}

function shareText(share: number): string {
  return percentText(share, share < 0.001 ? 2 : share < 0.01 ? 1 : 0);
}
