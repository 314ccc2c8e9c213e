/** The console of a server: what it serves, how it does, and a try on an image. */
import { startPage } from "../../shared/start-page.tsx";
import type { ServerDocument } from "../../src/pages.ts";
import { App } from "./app.tsx";
import "../../shared/style/tokens.css";
import "../../shared/style/layout.css";
import "../../shared/style/controls.css";
import "../../shared/style/masthead.css";
import "../../shared/style/remarks.css";
import "../../shared/style/facts.css";
import "./style/figures.css";
import "./style/models.css";
import "./style/try-image.css";
import "../../shared/style/print.css";

startPage<ServerDocument>({ name: "server", format: "cupel-server-page/1", draw: () => <App /> });
