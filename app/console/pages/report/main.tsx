/** Starts the page: reads the report out of the file and draws it. */
import { render } from "preact";
import { App } from "./app.tsx";
import { readEmbeddedReport } from "./embedded-report.ts";
import "../../shared/style/tokens.css";
import "./style/layout.css";
import "./style/summary.css";
import "./style/heat-map.css";
import "./style/layer-table.css";
import "./style/bars.css";
import "./style/images.css";
import "./style/print.css";

const page = document.getElementById("page");
if (page === null) throw new Error("The page has no element #page: the file is not a Cupel report.");
page.replaceChildren();

const embedded = readEmbeddedReport(document);
if ("problem" in embedded) {
  render(<p class="problem">{embedded.problem}</p>, page);
} else {
  document.title = `${embedded.report.compressed.file}: compression report`;
  render(<App report={embedded.report} />, page);
}
