/** What was gained: bytes by layer, time, memory, how much runs in integers, and what the search tried. */
import type { CompressionReport } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { countText } from "../../../shared/view/number-text.ts";
import { LatencyBars } from "./latency-bars.tsx";
import { MemoryBars } from "./memory-bars.tsx";
import { SizeChart } from "./size-chart.tsx";
import { TradeOffChart } from "./trade-off-chart.tsx";

interface SizeAndSpeedProps {
  readonly report: CompressionReport;
  readonly onSelect: (layer: number) => void;
}

export function SizeAndSpeed({ report, onSelect }: SizeAndSpeedProps) {
  return (
    <Section id="size-and-speed" title="Size, speed and memory">
      <p class="key">
        <span class="swatch original" aria-hidden="true" /> original
        <span class="swatch compressed" aria-hidden="true" /> compressed
      </p>
      <div class="panels">
        <div class="panel wide">
          <h3>Size of the weights by layer</h3>
          <p class="muted">In the order of execution, first layer left. Choose a bar to see the layer.</p>
          <SizeChart layers={report.layers} onSelect={onSelect} />
        </div>
        <div class="panel">
          <h3>Time for one image</h3>
          <LatencyBars report={report} />
          <Fusion report={report} />
        </div>
        <div class="panel">
          <h3>Memory at its peak</h3>
          <MemoryBars original={report.original.memory} compressed={report.compressed.memory} />
        </div>
        {report.tradeOff.length > 0 && (
          <div class="panel wide">
            <h3>What else was possible</h3>
            <p class="muted">
              Every point is a model that the search tried. Further left is smaller, lower is closer to the
              original. No other model is both smaller and closer than one on the line. Loss is measured on
              held-out calibration images: points of accuracy or, without labels, predictions that changed in
              a hundred.
            </p>
            <TradeOffChart points={report.tradeOff} />
          </div>
        )}
      </div>
    </Section>
  );
}

/** How much of the model the engine runs in integers, which is where the speed comes from. */
function Fusion({ report }: { readonly report: CompressionReport }) {
  const { convolutions, fused, unfused } = report.fusion;
  if (convolutions === 0) return null;
  return (
    <div class="fusion">
      <p>
        {countText(fused)} of {countText(convolutions)} convolutions run in integers.
        {unfused.length > 0 && " Left in floating point:"}
      </p>
      {unfused.length > 0 && (
        <ul>
          {unfused.map(({ node, reason }) => (
            <li key={node}>
              <code>{node}</code> {reason}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
