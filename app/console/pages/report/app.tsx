/** The page from top to bottom, and the one thing its parts share: which layer is selected. */
import type { CompressionReport } from "@cupel/report";
import { useCallback, useState } from "preact/hooks";
import { SkipLink } from "../../shared/part/skip-link.tsx";
import { AccuracySection } from "./part/accuracy-section.tsx";
import { ChangedImages } from "./part/changed-images.tsx";
import { HeatMapSection } from "./part/heat-map-section.tsx";
import { LayerPaths } from "./part/layer-paths.tsx";
import { LayerTable } from "./part/layer-table.tsx";
import { MemorySection } from "./part/memory-section.tsx";
import { Provenance } from "./part/provenance.tsx";
import { SizeAndSpeed } from "./part/size-and-speed.tsx";
import { StagesSection } from "./part/stages-section.tsx";
import { Summary } from "./part/summary.tsx";

export function App({ report }: { readonly report: CompressionReport }) {
  const firstBad = report.layers.findIndex((layer) => layer.name === report.firstBadLayer?.layer);
  const [selected, setSelected] = useState(Math.max(0, firstBad));
  const goToLayer = useCallback((index: number) => {
    setSelected(index);
    document.getElementById("layers")?.scrollIntoView({ block: "start" });
  }, []);

  return (
    <>
      <SkipLink />
      <Summary report={report} onGoToLayer={() => goToLayer(Math.max(0, firstBad))} />
      <main id="main">
        <HeatMapSection report={report} firstBad={firstBad} selected={selected} onSelect={setSelected} />
        <LayerPaths layers={report.layers} firstBad={firstBad} onSelect={goToLayer} />
        <LayerTable report={report} firstBad={firstBad} selected={selected} onSelect={setSelected} />
        <StagesSection report={report} />
        <SizeAndSpeed report={report} onSelect={goToLayer} />
        <MemorySection report={report} />
        <AccuracySection report={report} />
        <ChangedImages report={report} />
        <Provenance report={report} />
      </main>
    </>
  );
}
