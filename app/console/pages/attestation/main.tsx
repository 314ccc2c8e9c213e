/** Whether a folder is what was sealed, who sealed it, how the model in it was made, and each file. */

import { startPage } from "../../shared/start-page.tsx";
import type { AttestationDocument } from "../../src/pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "../../shared/style/facts.css";
import "./style/attestation.css";
import "../../shared/style/print.css";

startPage<AttestationDocument>({
  name: "attestation",
  format: "cupel-attestation-page/1",
  draw: (attestation) => <App attestation={attestation} />,
});
