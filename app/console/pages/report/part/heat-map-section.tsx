/** The error of every channel of every layer, and beside it the figures of the selected layer. */
import type { CompressionReport } from "@cupel/report";
import { useMemo, useState } from "preact/hooks";
import { Section } from "../../../shared/part/section.tsx";
import type { ChannelOrder } from "../view/channel-bins.ts";
import { errorScale } from "../view/error-scale.ts";
import { ErrorLegend } from "./error-legend.tsx";
import { HeatMap } from "./heat-map.tsx";
import { LayerPanel } from "./layer-panel.tsx";

interface HeatMapSectionProps {
  readonly report: CompressionReport;
  /** -1 for none. */
  readonly firstBad: number;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
}

const ORDERS: readonly { readonly order: ChannelOrder; readonly title: string }[] = [
  { order: "worst-first", title: "Worst channel first" },
  { order: "as-stored", title: "Channels as stored" },
];

export function HeatMapSection({ report, firstBad, selected, onSelect }: HeatMapSectionProps) {
  const [order, setOrder] = useState<ChannelOrder>("worst-first");
  const scale = useMemo(() => errorScale(report.layers.flatMap((layer) => layer.channelError)), [report]);
  const layer = report.layers[selected];
  return (
    <Section
      id="layers"
      title="Where the error arises"
      intro={
        <>
          Each row is a layer, in the order of execution. Each cell is a channel; in layers with more than 128
          channels a cell shows the worst of several. A stronger colour is a larger error. Choose a row with a
          click or with the arrow keys.
        </>
      }
    >
      <div class="heat-and-layer">
        <div class="panel heat-panel">
          <div class="heat-controls">
            <fieldset class="switch">
              <legend class="visually-hidden">Order of the channels in a row</legend>
              {ORDERS.map((choice) => (
                <label key={choice.order}>
                  <input
                    type="radio"
                    name="channel-order"
                    checked={order === choice.order}
                    onChange={() => setOrder(choice.order)}
                  />
                  <span class="switch-title">{choice.title}</span>
                </label>
              ))}
            </fieldset>
            <ErrorLegend scale={scale} />
          </div>
          <HeatMap
            layers={report.layers}
            scale={scale}
            order={order}
            firstBad={firstBad}
            selected={selected}
            onSelect={onSelect}
          />
        </div>
        {layer !== undefined && (
          <LayerPanel
            report={report}
            layer={layer}
            index={selected}
            isFirstBad={selected === firstBad}
            onSelect={onSelect}
          />
        )}
      </div>
    </Section>
  );
}
