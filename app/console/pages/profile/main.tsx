/** Where the time of a run went: a flame graph, and the slowest nodes. */

import { startPage } from "../../shared/start-page.tsx";
import type { ProfileDocument } from "../../src/pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "./style/flame-graph.css";
import "../../shared/style/print.css";

startPage<ProfileDocument>({
  name: "profile",
  format: "cupel-profile/1",
  draw: (profile) => <App profile={profile} />,
});
