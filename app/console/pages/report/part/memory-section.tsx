/** Where the memory of both models is: weights, activations by lifetime, and the nodes that set the peak. */
import type { CompressionReport, MemoryPlanReport, ModelSide } from "@cupel/report";
import { useMemo } from "preact/hooks";
import { axisStyle } from "../../../shared/chart/axis.ts";
import { Chart, type DrawChart } from "../../../shared/chart/chart.tsx";
import { tooltipLines, tooltipStyle } from "../../../shared/chart/tooltip.ts";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { bytesText, countText } from "../../../shared/view/number-text.ts";
import { memoryFacts, peakRows, valueRows } from "../view/memory-rows.ts";

/** Nodes listed that hold most. */
const LISTED = 6;

export function hasMemoryPlan({ original, compressed }: CompressionReport): boolean {
  return original.memoryPlan !== undefined || compressed.memoryPlan !== undefined;
}

/** Nothing for a report that was made before memory was planned. */
export function MemorySection({ report }: { readonly report: CompressionReport }) {
  if (!hasMemoryPlan(report)) return null;
  return (
    <Section
      id="memory"
      title="Where the memory is"
      intro="Predicted from the graph that the engine runs, for one image, beside what a process of its own was measured to take."
    >
      <p class="key">
        <span class="swatch original" aria-hidden="true" /> held while a node runs
        <span class="swatch compressed" aria-hidden="true" /> of that needed
      </p>
      <div class="panels">
        <SidePanel title="Original" side={report.original} />
        <SidePanel title="Compressed" side={report.compressed} />
      </div>
    </Section>
  );
}

function SidePanel({ title, side }: { readonly title: string; readonly side: ModelSide }) {
  const plan = side.memoryPlan;
  if (plan === undefined) return null;
  return (
    <div class="panel memory-plan">
      <h3>{title}</h3>
      <HeldChart title={title} plan={plan} />
      <table class="plain">
        <tbody>
          {memoryFacts(plan, side.memory).map(([name, text]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="numeric">{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h4>Nodes that hold most</h4>
      <ScrollTable label={`${title}: nodes that hold most`}>
        <PeakTable plan={plan} />
      </ScrollTable>
      {plan.values !== undefined && plan.values.length > 0 && (
        <details class="more">
          <summary>Which value lies in whose memory ({countText(plan.values.length)})</summary>
          <ScrollTable class="stage-table" label={`${title}: values and their memory`}>
            <ValueTable plan={plan} />
          </ScrollTable>
        </details>
      )}
    </div>
  );
}

function PeakTable({ plan }: { readonly plan: MemoryPlanReport }) {
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col" class="numeric">
            node
          </th>
          <th scope="col">what it is</th>
          <th scope="col" class="numeric">
            held
          </th>
          <th scope="col" class="numeric">
            needed
          </th>
          <th scope="col">makes</th>
        </tr>
      </thead>
      <tbody>
        {peakRows(plan, LISTED).map(({ place, node, heldBytes, neededBytes, makes, setsPeak }) => (
          <tr key={place}>
            <td class="numeric">{place}</td>
            <th scope="row" class="name">
              {node} {setsPeak && <span class="tag">the peak</span>}
            </th>
            <td class="numeric">{bytesText(heldBytes)}</td>
            <td class="numeric">{bytesText(neededBytes)}</td>
            <td class="name">{makes}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ValueTable({ plan }: { readonly plan: MemoryPlanReport }) {
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">value</th>
          <th scope="col">lies</th>
          <th scope="col" class="of-bar">
            lives
          </th>
        </tr>
      </thead>
      <tbody>
        {valueRows(plan).map(({ name, where, from, to, lives }) => (
          <tr key={name}>
            <th scope="row" class="name">
              {name}
            </th>
            <td class="name">{where}</td>
            <td class="of-bar">
              <div class="track" aria-hidden="true">
                <div
                  class="bar compressed over"
                  style={{ left: `${100 * from}%`, width: `${100 * (to - from)}%` }}
                />
              </div>
              <span class="muted">{lives}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function HeldChart({ title, plan }: { readonly title: string; readonly plan: MemoryPlanReport }) {
  const draw = useMemo(() => heldOption(plan), [plan]);
  const label = `${title}: activations held by node, ${bytesText(plan.activationBytes)} at most.`;
  return <Chart label={label} height={180} draw={draw} />;
}

function heldOption({ nodes }: MemoryPlanReport): DrawChart {
  return ({ palette }) => {
    const axis = axisStyle(palette, { grid: true });
    const bar = { type: "bar", barMaxWidth: 28, barCategoryGap: "12%" } as const;
    return {
      animation: false,
      grid: { left: 8, right: 8, top: 12, bottom: 8, outerBoundsMode: "same" },
      xAxis: {
        ...axisStyle(palette, { grid: false }),
        type: "category",
        data: nodes.map((_, at) => String(at + 1)),
      },
      yAxis: {
        ...axis,
        type: "value",
        splitNumber: 3,
        axisLabel: { ...axis.axisLabel, formatter: bytesText },
      },
      tooltip: {
        ...tooltipStyle(palette),
        trigger: "axis",
        axisPointer: { type: "shadow", shadowStyle: { color: palette.line, opacity: 0.5 } },
        formatter: ([first]: readonly { dataIndex: number }[]) => {
          const node = nodes[first?.dataIndex ?? -1];
          if (node === undefined) return "";
          const { heldBytes, neededBytes } = node;
          return tooltipLines(node.node, `${bytesText(heldBytes)} held`, `${bytesText(neededBytes)} needed`);
        },
      },
      series: [
        {
          ...bar,
          data: nodes.map(({ heldBytes }) => heldBytes),
          itemStyle: { color: palette.original },
          barGap: "-100%",
        },
        {
          ...bar,
          data: nodes.map(({ neededBytes }) => neededBytes),
          itemStyle: { color: palette.compressed },
        },
      ],
    };
  };
}
