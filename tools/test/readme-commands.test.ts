/**
 * The commands that the documents show run as they stand: in a temporary folder that has a small file under each
 * name the documents use, in a shell where they need one. A command that is not run is a row of `notRun` with its reason, and what it names is
 * looked up all the same. A new command with neither fails.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { createEventStamper, lineOf } from "@cupel/audit";
import { runCommand, type Terminal } from "@cupel/cli";
import { exportImages, syntheticInspection } from "@cupel/vision";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = [
  "README.md",
  ...globSync("docs/*.md", { cwd: root }).sort(),
  "app/cli/README.md",
  "bench/README.md",
  "examples/README.md",
];

interface NotRun {
  readonly command: RegExp;
  readonly reason: string;
}

const notRun: readonly NotRun[] = [
  {
    command: /^npm (ci|start)$/,
    reason: "the test itself runs on it; demo.test.ts of the command runs the demo",
  },
  { command: /^(npx )?cupel demo( --keep)?$/, reason: "half a minute; demo.test.ts of the command runs it" },
  { command: /^npm test( -- [\w./-]+)?$/, reason: "tests, which run by themselves" },
  { command: /^(npm run|npx) cupel$/, reason: "a mention of how the command is called" },
  {
    command: /^npm run bench( -- [\w-]+( --json)?)?$/,
    reason: "minutes, and what runs beside it disturbs it",
  },
  {
    command: /^npm run zoo$/,
    reason: "hours, and models that Python exports; zoo.test.ts runs what it is made of",
  },
  { command: /^git clone .*$|^cd \w+$/, reason: "needs the network" },
  {
    command: /^python3 -m venv peers$|^peers\/bin\/pip |^CUPEL_PYTHON=/,
    reason: "needs the network and 5 GB, and then hours",
  },
  {
    command: /^cupel (work|compress) .*(--queue |\\$)/,
    reason: "needs a server and a shared folder; queue.test.ts of the command has both",
  },
  {
    command: /^npm run tables$/,
    reason: "writes into docs/; reference-tables.test.ts of the package serve compares",
  },
  {
    command: /^(curl|node -e) /,
    reason: "needs a server; docs-curl.test.ts of the package serve runs it against one",
  },
  {
    command:
      /^(npm run )?cupel (-- )?env trace -- npm test( -- base service)?$|^cupel env trace --policy env-policy\.json -- node server\.js$/,
    reason: "a mention: the program stands for the reader's own; env-trace.test.ts of the command runs one",
  },
  {
    command: /^cupel audit tail --runtime /,
    reason: "needs a server with --runtime-log; serve-audit.test.ts of the command follows one",
  },
  {
    command: /^cupel bench (protocols|handshakes)\b/,
    reason: "takes minutes and wants root; bench-protocols.test.ts of the command has its parts",
  },
  {
    command: /^cupel bench proxy --target /,
    reason: "goes on until it is ended; bench-protocols.test.ts of the command ends one",
  },
  {
    command: /^cupel env watch /,
    reason: "goes on until it is ended; env-snapshots.test.ts of the command ends one",
  },
  {
    command: /^(npx )?cupel (COMMAND --help|train net\.json|report A\.onnx B\.onnx --images val\/)$/,
    reason: "a mention: the names stand for others",
  },
  {
    command: /^cupel [\w-]+ (resnet50|small|resnetCifar)\b.*$/,
    reason: "the same form as a command of README, with other names and heavier networks",
  },
  { command: /^cupel train app\/cli\/models\/.*$/, reason: "minutes; demo.test.ts looks at what it made" },
  {
    command: /^npx cupel train (examples|resnet20_cifar10).*$/,
    reason: "needs test data, and up to 22 minutes",
  },
];

/** Options that make a command short where it would be long. */
const shortened: readonly { readonly command: RegExp; readonly more: string }[] = [
  { command: /cupel train (?!.*--epochs)/, more: "--epochs 1" },
  { command: /cupel compress .*--images /, more: "--calibration-images 16 --no-report" },
  { command: /cupel report /, more: "--compared-images 8" },
  { command: /cupel bench-model /, more: "--runs 3" },
  // Its options and settings are read; what starts a server is tested where the server is.
  { command: /cupel serve (?!.*--show-config)/, more: "--show-config" },
];

/** Programs that begin a line of a block that is no diagram and no output. */
const program = /^(npx|npm|cupel|git|cd|node|python3?|pip3?|curl|tar|docker|dotnet) /;

/** All commands of a page in their order: lines of blocks and spans of text, without comments, joined and split at "&&". */
function commandsOf(markdown: string): string[] {
  const found: string[] = [];
  const add = (line: string) => {
    for (const each of line.split(" && ")) {
      found.push(
        each
          .replace(/\s+#\s.*$/, "")
          .replaceAll(/\s+/g, " ")
          .trim(),
      );
    }
  };
  let block: string | null = null;
  for (const line of markdown.replaceAll(/\\\n\s*/g, " ").split("\n")) {
    const fence = /^```(\w*)/.exec(line);
    if (fence) block = block === null ? fence[1]! : null;
    else if (block === null) {
      for (const [, span] of line.matchAll(/`([^`]+)`/g)) {
        if (/^(npx|npm) /.test(span!) || /^cupel [\w-]+ ./.test(span!)) add(span!);
      }
    } else if (["", "sh", "bash", "console"].includes(block)) {
      const command = line.replace(/^\$ /, "");
      if (program.test(command)) add(command);
    }
  }
  return found;
}

const commands = [...new Set(pages.flatMap((page) => commandsOf(readFileSync(join(root, page), "utf8"))))];

// Inside the repository, where its packages are found.
mkdirSync(join(root, "out"), { recursive: true });
const folder = mkdtempSync(join(root, "out/readme-commands-"));
after(() => {
  process.chdir(root);
  rmSync(folder, { recursive: true, force: true });
});
const at = (...names: string[]) => join(folder, ...names);

/** Names that the documents use, for a model and for folders of labelled images. */
const models = ["cupel-demo/inspection.onnx", "MODEL.onnx"];
const imageFolders = ["cupel-demo/images", "cupel-demo/eval-images", "FOLDER"];
/** Of images of 28 x 28, as the public set has them. */
const idxSets = ["fashion-mnist/data/fashion/train", "fashion-mnist/data/fashion/t10k"];

async function layOut(): Promise<void> {
  const images = syntheticInspection({ count: 77, seed: 9 });
  for (const name of imageFolders) {
    mkdirSync(dirname(at(name)), { recursive: true });
    await exportImages(images, at(name));
  }
  const serving = readFileSync(join(root, "docs/serving.md"), "utf8");
  writeFileSync(at("serve.yaml"), /^```yaml\n(.*?)^```$/ms.exec(serving)?.[1] ?? "");
  const stamper = createEventStamper({ writer: "docs" });
  const load = {
    action: "MODEL.LOAD",
    severity: "INFO",
    subject: { id: "docs" },
    object: {},
    context: {},
  } as const;
  writeFileSync(at("events.jsonl"), `${lineOf(stamper.stamp(load))}\n`);
  mkdirSync(at("etc"));
  writeFileSync(at("etc/environment"), "LANG=C.UTF-8\n");
  writeFileSync(at("etc/profile"), "export HOOK=/tmp/hook.sh\n");
  writeFileSync(at("before.json"), '{ "lockfileVersion": 3, "packages": {} }');
  writeFileSync(at("audit.log"), 'type=EXECVE msg=audit(1.000:1): argc=2 a0="env" a1="HOOK=/tmp/hook.sh"\n');
  mkdirSync(at("parts"));
  cpSync(join(root, "app/cli/models/inspection.onnx"), at("parts/model.onnx"));
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(at("own.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(at("own.pub"), publicKey.export({ type: "spki", format: "pem" }));
  for (const name of models) cpSync(join(root, "app/cli/models/inspection.onnx"), at(name));
  for (const name of idxSets) {
    mkdirSync(dirname(at(name)), { recursive: true });
    const { pixels, labels } = stripes(80);
    writeFileSync(at(`${name}-images-idx3-ubyte.gz`), gzipSync(pixels));
    writeFileSync(at(`${name}-labels-idx1-ubyte.gz`), gzipSync(labels));
  }
  symlinkSync(join(root, "examples"), at("examples"), "junction");
}

/** Ten classes told apart by where a bright stripe is, so that one epoch learns something. */
function stripes(count: number) {
  const header = (...numbers: number[]) => {
    const bytes = Buffer.alloc(4 * numbers.length);
    numbers.forEach((number, i) => {
      bytes.writeUInt32BE(number, 4 * i);
    });
    return bytes;
  };
  const rows = Buffer.alloc(count * 28 * 28, 40);
  for (let i = 0; i < count; i++)
    rows.fill(220, (i * 28 + (i % 10) * 2) * 28, (i * 28 + (i % 10) * 2 + 3) * 28);
  return {
    pixels: Buffer.concat([header(0x803, count, 28, 28), rows]),
    labels: Buffer.concat([
      header(0x801, count),
      Buffer.from(Array.from({ length: count }, (_, i) => i % 10)),
    ]),
  };
}

/** What only a shell understands. */
const shellSyntax = /[|<>;&$`"'\\*?~()]/;

/** @returns all that a command printed, where it failed */
async function failureOf(command: string): Promise<string | null> {
  const [program, ...words] = command.split(" ");
  // A process of its own for each would load the same sources thirty times.
  return program === "cupel" && !shellSyntax.test(command)
    ? await failureHere(words)
    : await failureInShell(command);
}

/** The command `cupel` in this process. */
async function failureHere(words: readonly string[]): Promise<string | null> {
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  const terminal: Terminal = {
    out: print,
    write: async (text) => {
      print(text);
      return true;
    },
    err: print,
    input: () => null,
    isOutInteractive: false,
    isInteractive: false,
    hasColour: false,
    columns: () => 80,
  };
  const status = await runCommand(words, terminal, { signal: new AbortController().signal });
  return status === 0 ? null : `exit status ${status}\n${printed}`;
}

/** As a reader types it. */
async function failureInShell(command: string): Promise<string | null> {
  const path = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`;
  const child = spawn(command, { cwd: folder, shell: true, env: { ...process.env, PATH: path } });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const status = await new Promise((done) => child.on("close", done));
  return status === 0 ? null : `exit status ${String(status)}\n${printed}`;
}

const rowOf = (command: string) => notRun.find((row) => row.command.test(command));

await layOut();
process.chdir(folder);

for (const command of commands.filter((each) => rowOf(each) === undefined)) {
  test(command, async () => {
    assert.match(command, /^(npx |cupel )/, "a program that this test does not know how to run: see notRun");
    const more = shortened.find((row) => row.command.test(command))?.more;
    const [first, ...piped] = command.split(" | ");
    const whole = [[first, more].filter(Boolean).join(" "), ...piped].join(" | ");
    // npx finds what is in node_modules/.bin, which is in PATH here; with npx itself run those that are piped.
    const line = piped.length > 0 ? whole : whole.replace(/^npx /, "");
    assert.equal(await failureOf(line), null);
  });
}

test("what a command names that is not run is there", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  for (const command of commands) {
    const script = /^npm run ([\w:]+)/.exec(command)?.[1];
    if (script !== undefined) assert.ok(script in scripts, command);
    const benchmark = /^npm run bench -- ([\w-]+)/.exec(command)?.[1];
    if (benchmark !== undefined && benchmark !== "all") {
      assert.ok(existsSync(join(root, `bench/src/${benchmark}.ts`)), command);
    }
    const tests = /^npm test -- (\S+)$/.exec(command)?.[1];
    if (tests !== undefined) assert.ok(existsSync(join(root, tests)), command);
    const configuration = /cupel train (\S+\.json)/.exec(command)?.[1];
    if (configuration !== undefined && configuration !== "net.json") {
      assert.ok(existsSync(join(root, configuration)), command);
    }
  }
});

test("every row of what is not run is needed, and has a reason", () => {
  const idle = notRun.filter((row) => row.reason === "" || !commands.some((each) => row.command.test(each)));
  assert.deepEqual(idle, []);
});

test("commands are found in blocks and in text, continued lines joined, comments left out", () => {
  const page =
    "# x\n\n`npx a b`, `cupel train` and `cupel eval m.onnx`\n\n```\n$ npx c \\\n    --d   # why\nbase/  no\nnpm ci && npm start\n```\n\n```ts\nnpx no\n```\n";
  assert.deepEqual(commandsOf(page), ["npx a b", "cupel eval m.onnx", "npx c --d", "npm ci", "npm start"]);
});
