/** Protocols and connections compared over a link: what to choose, and the figures behind it. */
import { startPage } from "../../shared/start-page.tsx";
import type { ProtocolsDocument } from "../../src/pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "../../shared/style/facts.css";
import "./style/protocols.css";
import "../../shared/style/print.css";

startPage<ProtocolsDocument>({
  name: "protocols",
  format: "cupel-protocols-page/1",
  draw: (comparison) => <App comparison={comparison} />,
});
