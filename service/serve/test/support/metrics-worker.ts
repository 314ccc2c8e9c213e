/** A worker of a cluster that counted one thing, and scrapes when it is told to. */
import { reportToPrimary } from "../../src/operations/cluster-metrics.ts";
import { createPrometheus } from "../../src/operations/prometheus.ts";

const prometheus = createPrometheus({ models: { has: () => true } });
prometheus.count("cache", { model: "model", outcome: "hit" });
const shared = reportToPrimary(prometheus);
process.on("message", async (message) => {
  if (message === "scrape") process.send!({ text: await shared.metricsText() });
});
process.send!("ready");
