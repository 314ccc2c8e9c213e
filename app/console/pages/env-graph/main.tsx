/** Who set which variable, and which process or script started with it: what was found, and the graph around it. */

import { startPage } from "../../shared/start-page.tsx";
import type { EnvGraphDocument } from "../../src/env-pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "./style/graph.css";
import "../../shared/style/print.css";

startPage<EnvGraphDocument>({
  name: "env-graph",
  format: "cupel-env-graph-page/1",
  draw: (graph) => <App graph={graph} />,
});
