/** The compression report. */
import type { CompressionReport } from "@cupel/report";
import { startPage } from "../../shared/start-page.tsx";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "../../shared/style/facts.css";
import "./style/summary.css";
import "./style/heat-map.css";
import "./style/layer-paths.css";
import "./style/layer-table.css";
import "./style/bars.css";
import "./style/images.css";
import "./style/stages.css";
import "../../shared/style/print.css";
import "./style/print.css";

startPage<CompressionReport>({
  name: "report",
  format: "cupel-report/4",
  draw: (report) => <App report={report} />,
});
