/** How a model was made: its report as data, or as the page that people read. */
import { preferredType } from "../../http/content-type.ts";
import { pageAnswer } from "../page-answer.ts";
import { modelRoutes, type Route } from "../route.ts";

export const reportRoutes: readonly Route[] = modelRoutes("/report", {
  method: "GET",
  action: "metadata",
  operation: {
    id: "modelReport",
    tag: "Models",
    summary: "Model report",
    description:
      "The report of the compression that made the very bytes in service, as `cupel compress` put it beside the model. With `Accept: text/html` it is a page, where the server has the console.",
    response: { "application/json": "ModelReport", "text/html": "bytes" },
    errors: [403, 404, 503],
  },
  async answer({ service, params, call, pages, header }) {
    const type = preferredType(header("accept"), ["application/json", "text/html"]);
    const { bytes } = await service.modelReport(params.model ?? "", params.version, call);
    if (pages !== null && type === "text/html") return pageAnswer(await pages.report(bytes));
    return { type: "application/json", body: bytes };
  },
});
