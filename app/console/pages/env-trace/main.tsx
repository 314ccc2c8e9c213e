/** Who reads, sets and hands on the environment: packages and names as a matrix, and each access. */

import { startPage } from "../../shared/start-page.tsx";
import type { EnvTraceDocument } from "../../src/env-pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "../../shared/style/facts.css";
import "./style/matrix.css";
import "./style/accesses.css";
import "../../shared/style/print.css";

startPage<EnvTraceDocument>({
  name: "env-trace",
  format: "cupel-env-trace-page/1",
  draw: (trace) => <App trace={trace} />,
});
