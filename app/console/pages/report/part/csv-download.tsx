/** The table as a file. It is made in the page and handed to the browser: nothing is fetched or sent. */
import type { LayerReport } from "@cupel/report";
import { saveFile } from "../../../shared/save-file.ts";
import { csvName, layerCsv } from "../view/layer-csv.ts";

interface CsvDownloadProps {
  readonly layers: readonly LayerReport[];
  /** File name of the compressed model. */
  readonly model: string;
}

export function CsvDownload({ layers, model }: CsvDownloadProps) {
  return (
    <button
      type="button"
      class="plain"
      onClick={() => saveFile(new Blob([layerCsv(layers)], { type: "text/csv" }), csvName(model))}
    >
      Download all layers as CSV
    </button>
  );
}
