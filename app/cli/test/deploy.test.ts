/**
 * The files of deploy/, as far as they can be held against Cupel itself: metrics, paths, settings and options that they name
 * exist. What they are to Kubernetes and Prometheus, tools/conformance/deploy.ts asks their own validators.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "node:test";
import { baseErrors } from "@cupel/base";
import { runtimeErrors } from "@cupel/runtime";
import { serveErrors } from "@cupel/serve";
import { parseAllDocuments } from "yaml";
import { serveCommand } from "../src/commands/serve.ts";
import { workCommand } from "../src/commands/work.ts";
import { cupel, scratch } from "./harness.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");
const manifests = globSync("deploy/{kubernetes,canary,kserve,queue,sign}/*.yaml", { cwd: root });

/** Name to labels and kind, as the table of the docs has them. */
const metrics = new Map(
  [...read("docs/serving-metrics.md").matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm)].map(
    ([, name = "", kind = "", labels = ""]) => [
      name,
      { kind, labels: labels.split(",").map((each) => each.trim()) },
    ],
  ),
);
/** That the scrape adds, and those of Prometheus itself. */
const scraped = ["namespace", "track", "pod", "job", "le"];

/** What an expression names that the server does not have. */
function unknownIn(expression: string): string[] {
  const found: string[] = [];
  for (const [, name = "", selector = ""] of expression.matchAll(
    /\b((?:cupel|nodejs|process)_\w+)(?:\{([^}]*)\})?/g,
  )) {
    const series = /^(.*)_(bucket|sum|count)$/.exec(name);
    const metric = metrics.get(name) ?? (series?.[1] === undefined ? undefined : metrics.get(series[1]));
    if (
      metric === undefined ||
      (metric.kind === "histogram") !== !metrics.has(name) ||
      (metric.kind === "histogram" && series === null)
    ) {
      found.push(name);
      continue;
    }
    for (const [, label = ""] of selector.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)) {
      if (!metric.labels.includes(label) && !scraped.includes(label)) found.push(`${name}{${label}}`);
    }
  }
  return found;
}

function codesIn(expression: string): string[] {
  return [...expression.matchAll(/code=~?"([A-Z_|]+)"/g)].flatMap(([, codes = ""]) => codes.split("|"));
}

test("every file parses, and every image is pinned", () => {
  for (const path of globSync("deploy/**/*.yaml", { cwd: root })) {
    for (const document of parseAllDocuments(read(path))) assert.deepEqual(document.errors, [], path);
  }
  for (const path of manifests) {
    for (const [, image = ""] of read(path).matchAll(/^\s+image: (\S+)$/gm)) {
      assert.match(image, /^[\w.-]+(\/[\w.-]+)+(:\d[\w.]*|@sha256:[0-9a-f]{64})$/, path);
    }
  }
  assert.match(read("deploy/image/Dockerfile"), /NODE_IMAGE=\S+:\d+\.\d+\.\d+-/);
});

test("every metric, label and code of the rules, the dashboard and the adapter is one the server has", () => {
  const dashboard: {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  } = JSON.parse(read("deploy/grafana/dashboard.json"));
  const rules = parseAllDocuments(read("deploy/prometheus/alerts.yaml"))[0]!.toJS().groups[0].rules;
  const expressions: string[] = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...rules.map(({ expr }: { readonly expr: string }) => expr),
    read("deploy/prometheus/adapter.yaml"),
    read("deploy/kubernetes/hpa.yaml"),
  ];
  assert.ok(expressions.length > 20 && metrics.size > 20);
  assert.deepEqual(expressions.flatMap(unknownIn), []);
  const codes = { ...baseErrors.specs, ...runtimeErrors.specs, ...serveErrors.specs };
  for (const code of expressions.flatMap(codesIn))
    assert.ok(code === "OK" || Object.hasOwn(codes, code), code);
  // It can fail.
  assert.deepEqual(unknownIn('rate(cupel_request_total{code="OK"}[5m])'), ["cupel_request_total"]);
  assert.deepEqual(unknownIn('cupel_queued_requests{face="rest"}'), ["cupel_queued_requests{face}"]);
  assert.deepEqual(unknownIn("cupel_request_seconds"), ["cupel_request_seconds"]);
});

test("probes ask what the server answers, and it has the time to stop", () => {
  const paths = read("docs/serving.md");
  for (const path of manifests) {
    const text = read(path);
    for (const [, probe = ""] of text.matchAll(/path: (\/v2\/\S+)/g))
      assert.ok(paths.includes(`8080${probe}\n`), `${path}: ${probe}`);
    // It answers what it accepted for 30 seconds, after the pause before.
    const [, grace] = /terminationGracePeriodSeconds: (\d+)/.exec(text) ?? [];
    const [, pause] = /sleep:\s+seconds: (\d+)/.exec(text) ?? [];
    if (pause !== undefined) assert.ok(Number(grace) >= 30 + Number(pause) + 5, path);
  }
});

test("every pod runs as the image's number, without rights, and writes nothing but its volumes", () => {
  const [, uid] = /^USER (\d+):\d+$/m.exec(read("deploy/image/Dockerfile")) ?? [];
  assert.ok(Number(uid) > 0);
  const pods = manifests.filter((path) => read(path).includes("image: "));
  assert.equal(pods.length, 4);
  for (const path of pods) {
    const text = read(path);
    for (const line of [
      "allowPrivilegeEscalation: false",
      "readOnlyRootFilesystem: true",
      "runAsNonRoot: true",
      `runAsUser: ${uid}`,
      'drop: ["ALL"]',
      "type: RuntimeDefault",
      "mountPath: /tmp",
    ]) {
      assert.ok(text.includes(line), `${path} has no ${line}`);
    }
  }
});

test("the settings and the words of each container are those of the command", async () => {
  await using folder = await scratch();
  const settings: string = parseAllDocuments(read("deploy/kubernetes/configmap.yaml"))[0]!.toJS().data[
    "serve.yaml"
  ];
  const config = await folder.write("serve.yaml", settings);
  const shown = await cupel("serve", "--config", config, "--show-config");
  assert.equal(shown.status, 0, shown.err);
  assert.match(shown.out, /cleartextAnywhere/);
  const options = new Map([
    ["serve", serveCommand.options],
    ["work", workCommand.options],
  ]);
  for (const path of manifests) {
    for (const document of parseAllDocuments(read(path))) {
      const { spec } = document.toJS();
      for (const { args } of spec?.template?.spec.containers ?? spec?.containers ?? []) {
        const [command, ...words]: readonly string[] = args;
        const known = options.get(command ?? "")?.map(({ name }) => `--${name}`) ?? [];
        assert.ok(known.length > 0, `${path}: ${command}`);
        for (const word of words)
          if (word.startsWith("--")) assert.ok(known.includes(word), `${path}: ${word}`);
      }
    }
  }
});
