/**
 * The files of deploy/ against validators that no one here wrote, and each file once more with a wrong field, which they must
 * refuse: `node tools/conformance/deploy.ts`.
 *
 * | Validator | From | Named by |
 * | --- | --- | --- |
 * | kubeconform | `go install github.com/yannh/kubeconform/cmd/kubeconform@latest` | CUPEL_KUBECONFORM, else on the path |
 * | kubernetes-validate | PyPI, which has the schemas of Kubernetes for kubeconform too | CUPEL_PYTHON |
 * | promtool | the Debian package prometheus | on the path |
 * | dockerfile-utils | npm, by npx | |
 *
 * Schemas of custom resources: KServe's in CUPEL_SUITES; others in the folders of CUPEL_CRDS, divided by ":", such as config/crd/standard of
 * sigs.k8s.io/gateway-api and config of github.com/sigstore/policy-controller, which `go mod download` brings. What is not there is told as skipped.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { openTemporaryFolder } from "@cupel/base";
import { parseAllDocuments } from "yaml";
import { hasPackage, python } from "./run-tool.ts";

const deploy = fileURLToPath(new URL("../../deploy", import.meta.url));
const kubernetesVersion = "1.34.0";
const kubeconform = process.env.CUPEL_KUBECONFORM ?? "kubeconform";

interface Validator {
  readonly name: string;
  /** Why it cannot be asked of this file; null where it can. */
  skips(file: string): string | null;
  /** @returns what it says against the file; null where nothing */
  refusal(path: string): string | null;
}

const told = (command: string, args: readonly string[]): string | null => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", timeout: 120_000 });
  if (error) throw error;
  return status === 0 ? null : `${stdout}${stderr}`.trim();
};

const isThere = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).error === undefined;

const kindOf = (file: string): string =>
  /^kind: (\w+)$/m.exec(readFileSync(join(deploy, file), "utf8"))?.[1] ?? "";

await using work = await openTemporaryFolder("deploy");
const custom = writeSchemas(join(work.path, "schemas"));
const coreSchemas = hasPackage("kubernetes_validate")
  ? spawnSync(
      python,
      ["-c", "import kubernetes_validate, os; print(os.path.dirname(kubernetes_validate.__file__))"],
      {
        encoding: "utf8",
      },
    ).stdout.trim()
  : null;
if (coreSchemas !== null) writeCoreSchemas(coreSchemas, join(work.path, "schemas"));
const isCustom = (file: string): boolean => /^(canary\/(http|grpc)route|kserve\/|sign\/)/.test(file);

const kubeconformOf: Validator = {
  name: "kubeconform",
  skips(file) {
    if (!isThere(kubeconform, ["-v"])) return `${kubeconform} is not there`;
    if (isCustom(file)) return custom.has(kindOf(file)) ? null : `no schema of ${kindOf(file)}`;
    return coreSchemas === null ? "no schemas: kubernetes-validate is not there" : null;
  },
  refusal: (path) =>
    told(kubeconform, [
      "-strict",
      "-schema-location",
      `${work.path}/schemas/{{.ResourceKind}}{{.KindSuffix}}.json`,
      "-schema-location",
      `${work.path}/schemas/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`,
      path,
    ]),
};
const kubernetesValidate: Validator = {
  name: "kubernetes-validate",
  skips: (file) =>
    isCustom(file) ? "it knows no custom resources" : coreSchemas === null ? `${python} has it not` : null,
  refusal: (path) =>
    told(python, [
      "-m",
      "kubernetes_validate",
      "--strict",
      "-k",
      kubernetesVersion.replace(/\.0$/, ""),
      path,
    ]),
};
const withoutPromtool = isThere("promtool", ["--version"]) ? null : "promtool is not there";
const promtool = (name: string, ...words: readonly string[]): Validator => ({
  name: `promtool ${name}`,
  skips: () => withoutPromtool,
  refusal: (path) => told("promtool", [...words, path]),
});
const dockerfileUtils: Validator = {
  name: "dockerfile-utils",
  skips: () => null,
  refusal: (path) =>
    told("npx", ["--yes", "--package=dockerfile-utils@0.16.3", "dockerfile-utils", "lint", path]),
};

interface Checked {
  readonly file: string;
  readonly validators: readonly Validator[];
  /** From what is right to what is wrong. */
  readonly wrong: readonly (readonly [string | RegExp, string])[];
  /** What a copy must have beside it. */
  readonly beside?: readonly string[];
  /** Before a validator that does not know all of it. */
  readonly prepared?: (text: string) => string;
}

const manifests: readonly Checked[] = globSync("{kubernetes,canary,kserve,queue,sign}/*.yaml", {
  cwd: deploy,
})
  .filter((file) => basename(file) !== "kustomization.yaml")
  .sort()
  .map((file) => ({ file, validators: [kubeconformOf, kubernetesValidate], wrong: wrongOf(kindOf(file)) }));

const others: readonly Checked[] = [
  {
    file: "prometheus/alerts.yaml",
    validators: [promtool("check rules", "check", "rules")],
    wrong: [
      ["expr: up", "exprs: up"],
      ["for: 2m", "for: soon"],
      ["sum by (namespace, track, model) (rate(", "sum by (namespace, track, model) ((rate("],
    ],
  },
  {
    file: "prometheus/alerts.test.yaml",
    validators: [promtool("test rules", "test", "rules")],
    wrong: [
      ["alertname: CupelDown", "alertname: CupelUp"],
      ["0+10x30", "0+1x30"],
      ["exp_labels", "exp_label"],
    ],
    beside: ["prometheus/alerts.yaml"],
  },
  {
    file: "prometheus/scrape.yaml",
    validators: [promtool("check config", "check", "config")],
    wrong: [
      ["metrics_path", "metric_path"],
      ["action: keep", "action: kept"],
    ],
    beside: ["prometheus/alerts.yaml"],
    // Debian's build has no discovery of Kubernetes.
    prepared: (text) =>
      text.replace(/kubernetes_sd_configs:\n\s+- role: pod/, 'static_configs:\n      - targets: ["h:1"]'),
  },
  {
    file: "prometheus/adapter.yaml",
    validators: [promtool("check rules, its query", "check", "rules")],
    wrong: [["[1m])", "[1m)"]],
    prepared(text) {
      const query = /metricsQuery: '(.*)'/.exec(text)?.[1] ?? "";
      const filled = query
        .replace("<<.Series>>", "s")
        .replace("<<.LabelMatchers>>", 'a="b"')
        .replace("<<.GroupBy>>", "a");
      return `groups: [{ name: adapter, rules: [{ record: r, expr: '${filled}' }] }]`;
    },
  },
  {
    file: "image/Dockerfile",
    validators: [dockerfileUtils],
    wrong: [
      [/^USER/m, "USERR"],
      [/^ENTRYPOINT .*$/m, "ENTRYPOINT"],
    ],
  },
];

let [failed, passed] = [0, 0];
for (const { file, validators, wrong, beside = [], prepared = (text: string) => text } of [
  ...manifests,
  ...others,
]) {
  const text = readFileSync(join(deploy, file), "utf8");
  const folder = join(work.path, "copy");
  mkdirSync(folder, { recursive: true });
  for (const each of beside) writeFileSync(join(folder, basename(each)), readFileSync(join(deploy, each)));
  const copy = join(folder, basename(file));
  let asked = 0;
  for (const validator of validators) {
    const reason = validator.skips(file);
    if (reason !== null) {
      console.log(`skip ${file}, ${validator.name}: ${reason}`);
      continue;
    }
    asked++;
    writeFileSync(copy, prepared(text));
    report(file, validator, "as it is", validator.refusal(copy), false);
    for (const [right, bad] of wrong) {
      const broken = text.replace(right, bad);
      if (broken === text) throw new Error(`${file} has nothing of ${right}`);
      writeFileSync(copy, prepared(broken));
      report(file, validator, `with ${bad}`, validator.refusal(copy), true);
    }
  }
  if (asked === 0) console.log(`skip ${file}: no validator for it is there`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function report(
  file: string,
  { name }: Validator,
  what: string,
  refusal: string | null,
  isWrong: boolean,
): void {
  const isRight = (refusal !== null) === isWrong;
  if (isRight) passed++;
  else failed++;
  console.log(`${isRight ? "ok  " : "FAIL"} ${file}, ${name}: ${what}${isWrong ? " is refused" : ""}`);
  if (!isRight && refusal !== null) console.log(refusal);
}

/** A key that does not exist, and a value of another type. */
function wrongOf(kind: string): Checked["wrong"] {
  const byKind: Readonly<Record<string, Checked["wrong"]>> = {
    Deployment: [
      ["terminationGracePeriodSeconds:", "terminationGracePeriod:"],
      ["allowPrivilegeEscalation: false", "allowPrivilegeEscalation: never"],
    ],
    Service: [
      ["targetPort:", "targetPorts:"],
      ["port: 80", "port: eighty"],
    ],
    ServiceAccount: [["automountServiceAccountToken:", "automountToken:"]],
    ConfigMap: [[/^data:/m, "datum:"]],
    HorizontalPodAutoscaler: [
      ["maxReplicas: 10", "maxReplicas: ten"],
      ["scaleTargetRef:", "scaleTarget:"],
    ],
    PodDisruptionBudget: [["maxUnavailable:", "maxUnavailables:"]],
    NetworkPolicy: [
      ["policyTypes:", "policyType:"],
      ["egress: []", "egress: none"],
    ],
    HTTPRoute: [
      ["backendRefs:", "backendRef:"],
      ["port: 80", "port: eighty"],
    ],
    GRPCRoute: [
      ["backendRefs:", "backendRef:"],
      ["weight: 90", "weight: most"],
    ],
    ServingRuntime: [
      ["supportedModelFormats:", "supportedModelFormat:"],
      ["multiModel: false", "multiModel: no-one"],
    ],
    InferenceService: [
      ["storageUri:", "storageUrl:"],
      ["minReplicas: 1", "minReplicas: one"],
    ],
    ClusterImagePolicy: [
      ["authorities:", "authority:"],
      ["- glob:", "- globs:"],
    ],
  };
  return new Map(Object.entries(byKind)).get(kind) ?? [];
}

/** A file a kind and version, as kubeconform looks for them. @returns the kinds */
function writeSchemas(folder: string): ReadonlySet<string> {
  mkdirSync(folder, { recursive: true });
  const suites =
    process.env.CUPEL_SUITES ?? fileURLToPath(new URL("../../../shared/suites", import.meta.url));
  const more = (process.env.CUPEL_CRDS ?? "").split(":").filter((each) => each !== "");
  const files = [
    ...globSync(join(suites, "kserve-crd", "*.yaml.gz")),
    ...more.flatMap((each) => globSync(join(each, "*.yaml"))),
  ];
  const kinds = new Set<string>();
  for (const file of files) {
    const bytes = readFileSync(file);
    const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
    for (const document of parseAllDocuments(text)) {
      const crd = document.toJS();
      if (crd?.kind !== "CustomResourceDefinition") continue;
      const { kind } = crd.spec.names;
      for (const { name, schema } of crd.spec.versions) {
        const strict = JSON.stringify(closed(schema.openAPIV3Schema, true));
        writeFileSync(join(folder, `${kind.toLowerCase()}_${name}.json`), strict);
        kinds.add(kind);
      }
    }
  }
  return kinds;
}

/** As the API server prunes it: what a schema does not name is not there. The metadata is of Kubernetes itself. */
function closed(schema: unknown, isRoot = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => closed(each));
  if (typeof schema !== "object" || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]): [string, unknown] => [key, closed(value)]);
  const { properties, additionalProperties, ...rest } = Object.fromEntries(members);
  if (properties === undefined || rest["x-kubernetes-preserve-unknown-fields"] === true)
    return Object.fromEntries(members);
  const own = isRoot
    ? {
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { type: "object" },
        ...properties,
      }
    : properties;
  return { ...rest, properties: own, additionalProperties: additionalProperties ?? false };
}

/** Those of Kubernetes refer to a file of definitions at an address; each gets its own. */
function writeCoreSchemas(packageFolder: string, folder: string): void {
  const from = join(packageFolder, "kubernetes-json-schema", `v${kubernetesVersion}-local-strict`);
  const definitions = readFileSync(join(from, "_definitions.json"), "utf8");
  for (const name of globSync("*-v[0-9]*.json", { cwd: from })) {
    const schema = readFileSync(join(from, name), "utf8").trim();
    if (!schema.includes('"x-kubernetes-group-version-kind"')) continue;
    const whole = `${schema.slice(0, -1)}, "$defs": ${JSON.stringify(JSON.parse(definitions).$defs)} }`;
    writeFileSync(join(folder, name), whole.replaceAll("/api/_definitions.json#/$defs/", "#/$defs/"));
  }
}
