/**
 * The curl lines of the documents, as they stand there, against a live server, and the configurations they show. A line
 * must be answered with a status below 400, or with the one that the comment behind it says. Lines that make a body
 * with `node -e` run too. Lines that show a key go to a server whose access is what the document shows.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { parseConfig, type RunningServer, startServer } from "@cupel/serve";
import { exportImages, syntheticInspection } from "@cupel/vision";

const root = join(import.meta.dirname, "../../..");
const documents = ["README.md", "docs/serving.md", "docs/graphql.md", "service/serve/README.md"];
const address = "http://127.0.0.1:8080";

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

const blocks = documents.flatMap((document) => blocksOf(readFileSync(join(root, document), "utf8")));

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    lines: text.replaceAll(/\\\n\s*/g, " ").split("\n"),
  }));
}

const lines = blocks.flatMap((block) => (block.language === "" ? block.lines : []));
const commands = lines.filter((line) => /^(curl|node -e) /.test(line));
const configurations = blocks
  .filter(({ language }) => language === "yaml")
  .map((block) => block.lines.join("\n"));

/** Whose digest stands in place of the first of the document. */
const key = "key-of-this-test";

async function openServer(models: string, text: string): Promise<RunningServer> {
  const flags = {
    "repository.path": models,
    "repository.mode": "explicit",
    "listen.port": 0,
    "engine.trial": false,
    "engine.threads": 1,
    "logging.level": "silent",
  };
  return await startServer(parseConfig({ file: { path: "serve.yaml", text }, flags }).config);
}

/** In a shell, as a reader types it. @returns its exit status and all it printed */
async function run(line: string, cwd: string): Promise<{ status: unknown; printed: string }> {
  const child = spawn(line, { cwd, shell: true, env: { ...process.env, KEY: key } });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  return { status: await new Promise((done) => child.on("close", done)), printed };
}

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
const skip = hasCurl ? false : "curl is not there";

if (hasCurl) {
  const opened = new AsyncDisposableStack();
  after(() => opened.disposeAsync());
  const folder = opened.use(await openTemporaryFolder("docs-curl")).path;
  const models = join(folder, "models");
  await mkdir(models);
  await copyFile(join(root, "app/cli/models/inspection.onnx"), join(models, "inspection.onnx"));
  await exportImages(syntheticInspection({ count: 2, seed: 9 }), join(folder, "images"));
  await copyFile(join(folder, "images/1-open/1.png"), join(folder, "part.png"));
  const access = configurations.find((text) => text.includes("sha256:")) ?? "";
  const withKey = access.replace(/sha256: \w+/, `sha256: ${hash("sha256", key, "hex")}`);
  const open = opened.use(await openServer(models, "{}"));
  const guarded = opened.use(await openServer(models, withKey));

  for (const command of commands) {
    test(command, async () => {
      const [, line = "", told] = /^(.*?)(?:\s+#\s+(\d{3}))?$/.exec(command) ?? [];
      const server = /-H "(x-api-key|authorization):/.test(line) ? guarded : open;
      if (!line.startsWith("curl ")) {
        assert.deepEqual(await run(line, folder), { status: 0, printed: "" });
        return;
      }
      assert.ok(line.includes(address), `a line of another address than ${address}`);
      const asked = `${line.replace(address, server.url)} -w '\\nstatus %{http_code}\\n'`;
      const { status, printed } = await run(asked, folder);
      assert.equal(status, 0, printed);
      const answered = Number(/\nstatus (\d+)\n/.exec(printed)?.[1]);
      if (told === undefined) assert.ok(answered >= 200 && answered < 400, printed);
      else assert.equal(answered, Number(told), printed);
    });
  }
}

for (const text of configurations) {
  test(`a configuration: ${text.split("\n").slice(0, 3).join(" ").replaceAll(/\s+/g, " ")}`, () => {
    assert.doesNotThrow(() => parseConfig({ file: { path: "serve.yaml", text } }));
  });
}

test("every curl line ran, and there are many", { skip }, () => {
  assert.ok(commands.filter((line) => line.startsWith("curl ")).length >= 20);
});
