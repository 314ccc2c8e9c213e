// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells write their variables so
/** What each kind of source but those of Windows says of variables: the grammar of each by its own documents, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCompose } from "../src/snapshot/container/compose.ts";
import { parseDockerfile } from "../src/snapshot/container/dockerfile.ts";
import { parseKubernetes } from "../src/snapshot/container/kubernetes.ts";
import { parseProcEnviron } from "../src/snapshot/live/proc-environ.ts";
import { parseDotenv } from "../src/snapshot/posix/dotenv.ts";
import { parsePamEnvironment } from "../src/snapshot/posix/pam-environment.ts";
import { parseProfile } from "../src/snapshot/posix/profile.ts";
import { parseSystemdEnvFile } from "../src/snapshot/posix/systemd-env-file.ts";
import { parseUnit } from "../src/snapshot/posix/systemd-unit.ts";
import { bytesOfText, surrogateEscape } from "../src/snapshot/source-text.ts";
import { code, values, valuesOf } from "./support/statements.ts";

test("/etc/environment is read as pam_env reads it", () => {
  const parsed = parsePamEnvironment(
    'A=1\n  export B="two words"\n# no\nC=\'x\'y\nD="in#side"\nE=a\\\n  # between\n b\nF=$A\nG\nH-I=1\nJ="open\nK=keeps  \n',
  );
  assert.deepEqual(values(parsed), {
    A: "1",
    B: "two words",
    // The closing quote is not the last character.
    C: "x'y",
    // "#" ends a line also in quotes, and the quote that opens goes.
    D: "in",
    E: "a b",
    F: "$A",
    G: undefined,
    J: "open",
    K: "keeps  ",
  });
  assert.equal(parsed.remarks.length, 1);
});

test("a profile exports what can be known, and the rest is computed", () => {
  const parsed = parseProfile(
    [
      "# a profile",
      "export A=1 B='two words'",
      'C="$A-${B}"; export C',
      "D=only-here",
      'export E="${UNKNOWN:-fallback}" F=${D:-x} G=${EMPTY:-y}',
      "H=$(date); export H",
      "if [ -d /opt ]; then export I=1; fi",
      "test -f /x && export J=1",
      "PATH=$PATH:/opt/bin",
      "unset K",
      'export L="a\\$b\\"c" M=\'$A\' N=x\\ y',
      "cat <<EOF",
      "export NOT=1",
      "EOF",
      "set -a; O=all; set +a",
      "(export P=1)",
      "export Q=1 | cat",
      "f() { export R=1; }",
      "S=1 command",
      'case "$X" in a) export T=1 ;; esac',
      "export U",
      "export V=~/bin W=${A:+yes} EMPTYV=",
      "Y=`hostname` export Z=1 # comment",
    ].join("\n"),
    "profile",
  );
  assert.deepEqual(values(parsed), {
    A: "1",
    B: "two words",
    C: "1-two words",
    E: null,
    F: "only-here",
    G: null,
    H: null,
    I: null,
    J: null,
    PATH: null,
    K: undefined,
    L: 'a$b"c',
    M: "$A",
    N: "x y",
    O: "all",
    R: null,
    T: null,
    U: null,
    V: null,
    W: "yes",
    EMPTYV: "",
    Z: "1",
  });
  assert.throws(() => parseProfile('A=1\nexport B="open\n', "profile"), code("ENV_SOURCE_INVALID"));
  assert.throws(() => parseProfile("export A=$(echo", "profile"), code("ENV_SOURCE_INVALID"));
});

test("values that double with each line end before memory does", () => {
  const parsed = parseProfile(`export A=xx\n${"A=$A$A\n".repeat(40)}`, "profile");
  assert.deepEqual(values(parsed), { A: null });
});

test("units of systemd: several assignments a line, quotes, escapes, drop-ins, resets, specifiers", () => {
  const unit = [
    "[Unit]",
    "Environment=NOT=here",
    "[Service]",
    `Environment=A=1 "B=two words" 'C=a "b"' D=x\\x41\\ty`,
    "Environment=E=$HOME F=100%% G=%h \\",
    "  # a comment between",
    "  H=8",
    "PassEnvironment=I",
    "EnvironmentFile=-/etc/default/x",
    "EnvironmentFile=/etc/y",
    "UnsetEnvironment=A D=other",
  ].join("\n");
  const parsed = parseUnit([{ where: "x.service", text: unit }]);
  assert.deepEqual(valuesOf(parsed.statements), {
    I: null,
    A: "1",
    B: "two words",
    C: 'a "b"',
    D: "xA\ty",
    E: "$HOME",
    F: "100%",
    G: null,
    H: "8",
  });
  assert.deepEqual(
    parsed.files.map(({ path, isOptional }) => [path, isOptional]),
    [
      ["/etc/default/x", true],
      ["/etc/y", false],
    ],
  );
  assert.deepEqual(
    parsed.unset.map(({ name, value }) => [name, value]),
    [
      ["A", null],
      ["D", "other"],
    ],
  );
  const dropIn = {
    where: "x.service.d/10.conf",
    text: "[Service]\nEnvironment=\nEnvironment=Z=1\nEnvironmentFile=\n",
  };
  const changed = parseUnit([{ where: "x.service", text: unit }, dropIn]);
  assert.deepEqual(valuesOf(changed.statements), { I: null, Z: "1" });
  assert.deepEqual(changed.files, []);
  assert.throws(() => parseUnit([{ where: "x", text: "[Service]\nnonsense\n" }]), code("ENV_SOURCE_INVALID"));
});

test("files of EnvironmentFile= are close to a shell and none", () => {
  const text =
    '# c\n; c\nA=1\nB="two \\"w\\" \\x $HOME"\nC=\'a\nb\'\nD=x\\\ny\n E = e f  \nexport F=1\nG="a"\'b\'\nH\n';
  assert.deepEqual(values(parseSystemdEnvFile(text)), {
    A: "1",
    B: 'two "w" \\x $HOME',
    C: "a\nb",
    D: "xy",
    E: "e f",
    G: "ab",
  });
});

test(".env: export, quotes over lines, comments, ends of lines of Windows, a mark at the beginning", () => {
  const text =
    "A=1\r\nexport B='two # words' # c\r\nC=\"a\\nb\r\nc\"\r\n#D=1\r\nE = spaced # c\r\nF=`x\"y`\nG='it\\'s'\nH=\nI=$A\nJ: yaml\nnonsense\n";
  assert.deepEqual(values(parseDotenv(text)), {
    A: "1",
    B: "two # words",
    C: "a\nb\nc",
    E: "spaced",
    F: 'x"y',
    G: "it\\'s",
    H: "",
    I: "$A",
    J: "yaml",
  });
  assert.deepEqual(values(parseDotenv("A=$B\nC='$B'\nD=a$$b\nE", { expands: true })), {
    A: null,
    C: "$B",
    D: "a$b",
    E: null,
  });
});

test("manifests of Kubernetes: several documents, lists, jobs, ConfigMaps and Secrets of the same files", () => {
  const text = `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { MODE: fast, PORT: "80" }
---
apiVersion: v1
kind: List
items:
- kind: Secret
  metadata: { name: keys }
  data: { TOKEN: aHVzaA== }
  stringData: { OTHER: plain }
- kind: CronJob
  metadata: { name: nightly, namespace: batch }
  spec: { jobTemplate: { spec: { template: { spec: { containers: [ { name: run, env: [ { name: A, value: "1" }, { name: B, value: "$(A)-$$(A)-$(NONE)" } ] } ] } } } } }
---
kind: Deployment
metadata: { name: web }
spec:
  template:
    spec:
      initContainers:
      - name: prepare
        env: [ { name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } } ]
      containers:
      - name: app
        envFrom:
        - { prefix: S_, secretRef: { name: keys } }
        - configMapRef: { name: settings }
        - configMapRef: { name: elsewhere }
        env:
        - { name: MODE, value: slow }
        - { name: TOKEN, valueFrom: { secretKeyRef: { name: keys, key: TOKEN } } }
        - { name: GONE, valueFrom: { secretKeyRef: { name: keys, key: GONE, optional: true } } }
        - { name: FAR, valueFrom: { configMapKeyRef: { name: elsewhere, key: x } } }
        - { name: EMPTY }
`;
  const found = parseKubernetes([{ where: "all.yaml", text }]);
  assert.deepEqual(Object.fromEntries(found.map((each) => [each.scope, values(each)])), {
    "batch/CronJob/nightly run": { A: "1", B: "1-$(A)-$(NONE)" },
    "Deployment/web prepare": { POD: null },
    "Deployment/web app": {
      S_TOKEN: "hush",
      S_OTHER: "plain",
      PORT: "80",
      MODE: "slow",
      TOKEN: "hush",
      FAR: null,
      EMPTY: "",
    },
  });
  assert.match(found.flatMap(({ remarks }) => remarks).join(), /elsewhere/);
  const refused = [
    "kind: Pod\nspec: [",
    "a: 1",
    "kind: Pod\nspec: { containers: [ { env: [ { name: A, value: 1 } ] } ] }",
  ];
  for (const each of refused)
    assert.throws(() => parseKubernetes([{ where: "x", text: each }]), code("ENV_SOURCE_INVALID"));
  const bomb = `a: &a [x,x]\n${Array.from({ length: 9 }, (_, i) => `${"bcdefghij"[i]}: &${"bcdefghij"[i]} [*${"abcdefghi"[i]},*${"abcdefghi"[i]}]`).join("\n")}\nkind: Pod\n`;
  assert.throws(() => parseKubernetes([{ where: "x", text: bomb }]), code("ENV_SOURCE_INVALID"));
});

test("Compose: environment in both forms, env_file, what is interpolated is computed", async () => {
  const text = `
x-common: &common { A: "1" }
services:
  web:
    env_file: [ web.env, { path: none.env, required: false } ]
    environment: { <<: *common, B: 2, C: true, D: "$HOME", E: "a$$b", F: null }
  db:
    environment: [ "A=x=y", "B", "C=\${X:-1}" ]
`;
  const services = await parseCompose(text, "compose.yaml", async (path) =>
    path === "web.env" ? "A=file\nG='q'\n" : null,
  );
  assert.deepEqual(Object.fromEntries(services.map((each) => [each.scope, values(each)])), {
    "service web": { A: "1", G: "q", B: "2", C: "true", D: null, E: "a$b", F: null },
    "service db": { A: "x=y", B: null, C: null },
  });
  await assert.rejects(
    parseCompose("a: 1", "x", async () => null),
    code("ENV_SOURCE_INVALID"),
  );
  await assert.rejects(
    parseCompose("services: { a: { env_file: x } }", "x", async () => null),
    code("ENV_SOURCE_INVALID"),
  );
});

test("ENV of a Dockerfile in both forms, in the stage that is built last and those below it", () => {
  const text = [
    "# escape=\\",
    "ARG V=1",
    "FROM node:26 AS base",
    'ENV A=1 B="two words" C=x\\ y',
    "ENV D old form  with spaces",
    "FROM other AS unused",
    "ENV NOT=1",
    "FROM base",
    "ARG VERSION=2",
    "ENV E=$A-${B} \\",
    "    # between",
    "    F=${A:-z}",
    "ENV G=$VERSION H=$PATH:/x I='$A' J=${A:+set}",
    "RUN cat <<EOF",
    "ENV NEITHER=1",
    "EOF",
    "ENV abc=hello",
    "ENV abc=bye def=$abc",
  ].join("\n");
  assert.deepEqual(values(parseDockerfile(text, "Dockerfile")), {
    A: "1",
    B: "two words",
    C: "x y",
    D: "old form  with spaces",
    E: "1-two words",
    F: "1",
    G: null,
    H: null,
    I: "$A",
    J: "set",
    abc: "bye",
    def: "hello",
  });
  assert.deepEqual(values(parseDockerfile("# escape=`\nFROM scratch\nENV A=C:\\x `\n B=`$A\n", "x")), {
    A: "C:\\x",
    B: "$A",
  });
  for (const bad of ["ENV A=1", "FROM x\nENV A", "FROM x\nENV A=1 B"]) {
    assert.throws(() => parseDockerfile(bad, "x"), code("ENV_SOURCE_INVALID"));
  }
});

test("/proc/PID/environ: bytes that are no UTF-8, names that stand twice, entries without a name", () => {
  const bytes = Buffer.concat([
    Buffer.from("A=1\0B=x=y\0"),
    Buffer.from([0xff, 0x3d, 0xfe, 0]),
    Buffer.from("A=2\0=C:=1\0plain\0E=\0"),
  ]);
  const parsed = parseProcEnviron(bytes);
  assert.deepEqual(values(parsed), { A: "1", B: "x=y", "\udcff": "\udcfe", E: "" });
  assert.equal(parsed.remarks.length, 2);
  assert.equal(parseProcEnviron(Buffer.alloc(0)).remarks.length, 1);
  for (const each of [
    Buffer.from([0xff, 0x41, 0xc3, 0x28, 0xe2, 0x82]),
    Buffer.from("é€😀"),
    Buffer.from([0xed, 0xa0, 0x80]),
  ]) {
    assert.deepEqual(bytesOfText(surrogateEscape(each)), each);
  }
});
