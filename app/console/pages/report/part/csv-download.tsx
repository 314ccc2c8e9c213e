/** The table as a file. It is made in the page and handed to the browser: nothing is fetched or sent. */
import type { LayerReport } from "@cupel/report";
import { csvName, layerCsv } from "../view/layer-csv.ts";

interface CsvDownloadProps {
  readonly layers: readonly LayerReport[];
  /** File name of the compressed model. */
  readonly model: string;
}

export function CsvDownload({ layers, model }: CsvDownloadProps) {
  return (
    <button type="button" class="plain" onClick={() => download(layerCsv(layers), csvName(model))}>
      Download all layers as CSV
    </button>
  );
}

function download(csv: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  link.download = name;
  link.click();
  // The browser has taken the file over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
