/** What a release does before it packs: manifests, the cut engine, what it refuses to publish, and in which order. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  cutEngine,
  enginePartEntry,
  enginePartName,
  enginePlaces,
  keptBinaries,
  wholeEngine,
} from "../release/cut-engine.ts";
import { type PackedPackage, packageFindings, versionFindings } from "../release/package-findings.ts";
import { publishOrder } from "../release/publish-order.ts";
import { type Project, publishedManifest } from "../release/published-manifest.ts";
import { workspacePackages } from "../release/workspace-packages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const project: Project = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const engine = dirname(createRequire(import.meta.url).resolve(`${wholeEngine}/package.json`));
const places = enginePlaces(engine);
const substitution = { whole: wholeEngine, version: "1.30.0", parts: ["@cupel/engine-a", "@cupel/engine-b"] };

describe("the published manifest", () => {
  const source = {
    name: "@cupel/thing",
    version: "1.2.3",
    license: "Apache-2.0",
    type: "module",
    exports: {
      ".": "./src/index.ts",
      "./node": "./src/node.ts",
      "./page": { browser: "./src/page.ts", default: "./src/node.ts" },
    },
    bin: { thing: "./bin/thing.js" },
    files: ["bin", "src"],
    dependencies: { "@cupel/base": "1.2.3", [wholeEngine]: "1.30.0" },
  };
  const options = { folder: "model/thing", project, minimumNode: 24, engine: substitution };
  const published = publishedManifest(source, options);

  test("points at JavaScript and declarations", () => {
    assert.deepEqual(published.exports, {
      ".": { types: "./src/index.d.ts", default: "./src/index.js" },
      "./node": { types: "./src/node.d.ts", default: "./src/node.js" },
      "./page": {
        browser: { types: "./src/page.d.ts", default: "./src/page.js" },
        default: { types: "./src/node.d.ts", default: "./src/node.js" },
      },
    });
    assert.deepEqual(published.bin, { thing: "./bin/thing.js" });
    assert.deepEqual(published.files, ["bin", "src", "NOTICE"]);
  });

  test("says which Node.js it needs and where it comes from", () => {
    assert.deepEqual(published.engines, { node: ">=24" });
    assert.deepEqual(published.repository, { ...project.repository, directory: "model/thing" });
    assert.equal(published.author, "The Cupel authors");
  });

  test("has the parts of the engine, as optional dependencies, in the place of the whole", () => {
    assert.deepEqual(published.dependencies, { "@cupel/base": "1.2.3" });
    assert.deepEqual(published.optionalDependencies, {
      "@cupel/engine-a": "1.30.0",
      "@cupel/engine-b": "1.30.0",
    });
  });

  test("of a package that does not run the engine has none of it", () => {
    const { dependencies: _, ...without } = source;
    assert.equal("optionalDependencies" in publishedManifest(without, options), false);
  });

  test("of every package here is complete, of one version, and depends on what is published", () => {
    const packages = workspacePackages(root);
    const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
    for (const part of substitution.parts) versions.set(part, substitution.version);
    assert.ok(packages.length >= 12, `${packages.length} packages`);
    assert.deepEqual(versionFindings(new Map(packages.map(({ manifest: m }) => [m.name, m.version]))), []);
    for (const { folder, manifest } of packages) {
      const all = { manifest: publishedManifest(manifest, { ...options, folder }), files: complete };
      assert.deepEqual(packageFindings(all, { versions, machineFolders: [] }), [], folder);
    }
  });
});

describe("the cut engine", () => {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  test("has a part for every place onnxruntime-node has binaries for", () => {
    // https://github.com/microsoft/onnxruntime/tree/v1.30.0/js/node: what the npm package ships.
    assert.deepEqual(places.map(enginePartName), [
      "@cupel/engine-darwin-arm64",
      "@cupel/engine-linux-arm64",
      "@cupel/engine-linux-x64",
      "@cupel/engine-win32-arm64",
      "@cupel/engine-win32-x64",
    ]);
  });

  for (const place of places) {
    test(`${enginePartName(place)} has the library that its binding asks for`, () => {
      const files = globSync(`${place.folder}/*`, { cwd: engine }).map((path) => basename(path));
      const { kept } = keptBinaries(files);
      assert.equal(kept.length, 2, kept.join(", "));
      const library = kept.find((file) => file !== "onnxruntime_binding.node")!;
      const binding = readFileSync(join(engine, place.folder, "onnxruntime_binding.node"));
      assert.ok(binding.includes(library), `the binding does not name ${library}`);
      for (const file of files.filter((each) => /^libonnxruntime/.test(each) && each !== library)) {
        assert.ok(!binding.includes(file), `the binding names ${file}`);
        const copy = readFileSync(join(engine, place.folder, file));
        assert.ok(copy.equals(readFileSync(join(engine, place.folder, library))), `${file} is no copy`);
      }
    });
  }

  test("without libraries for GPUs does not offer their providers", () => {
    const { kept, lostProviders } = keptBinaries([
      "onnxruntime.dll",
      "DirectML.dll",
      "dxil.dll",
      "dxcompiler.dll",
    ]);
    assert.deepEqual(kept, ["onnxruntime.dll"]);
    assert.deepEqual(lostProviders, ["dml", "webgpu"]);
    const backends = [{ name: "cpu" }, { name: "dml" }, { name: "webgpu" }];
    const module = { exports: { listSupportedBackends: () => backends, Tensor: 1 } };
    const whole = { listSupportedBackends: () => backends, Tensor: 1 };
    new Function("module", "require", enginePartEntry(lostProviders))(module, () => whole);
    assert.deepEqual(module.exports.listSupportedBackends(), [{ name: "cpu" }]);
    assert.equal(module.exports.Tensor, 1);
  });

  const here = places.find(({ platform, arch }) => platform === process.platform && arch === process.arch);
  test("runs a model, from nothing but its part and onnxruntime-common", {
    skip: !here && "no part for here",
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), "cupel-engine-"));
    folders.push(folder);
    const notices = join(root, "tools/release/engine-notices");
    cutEngine(engine, here!, join(folder, "part"), { project, notices });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(
      join(root, "node_modules/onnxruntime-common"),
      join(folder, "node_modules/onnxruntime-common"),
      "junction",
    );
    const model = globSync("app/cli/models/*.onnx", { cwd: root })[0]!;
    const code = `const { InferenceSession } = require("./part");
      InferenceSession.create(${JSON.stringify(join(root, model))}).then((s) => console.log(s.inputNames.length));`;
    assert.equal(execFileSync(process.execPath, ["-e", code], { cwd: folder, encoding: "utf8" }).trim(), "1");
    for (const file of ["LICENSE", "ThirdPartyNotices.txt", "README.md"]) {
      assert.ok(statSync(join(folder, "part", file)).size > 100, file);
    }
  });
});

const text = (content: string) => new TextEncoder().encode(content);
const complete = ["LICENSE", "README.md", "package.json"].map((path) => ({ path, bytes: text("") }));
const sound: PackedPackage = {
  manifest: {
    name: "@cupel/thing",
    version: "1.2.3",
    license: "Apache-2.0",
    description: "A thing.",
    keywords: ["thing"],
    repository: { url: "git+https://example.org/thing.git" },
    engines: { node: ">=24" },
    dependencies: { "@cupel/base": "1.2.3", sharp: "0.35.5" },
  },
  files: complete,
};
const together = { versions: new Map([["@cupel/base", "1.2.3"]]), machineFolders: ["/home/someone/cupel"] };

/** Each with a package that is unsound in one respect. */
const unsound: Readonly<Record<string, { change: Partial<PackedPackage>; finding: RegExp }>> = {
  "a version range": { change: depending({ sharp: "^0.35.5" }), finding: /sharp as "\^0\.35\.5"/ },
  "a workspace specifier": { change: depending({ "@cupel/base": "workspace:*" }), finding: /"workspace:\*"/ },
  "a file specifier": { change: depending({ "@cupel/base": "file:../base" }), finding: /"file:\.\.\/base"/ },
  "another version of a package of ours": {
    change: depending({ "@cupel/base": "1.2.2" }),
    finding: /@cupel\/base 1\.2\.2, which is published as 1\.2\.3/,
  },
  "a package of ours that is not published": {
    change: depending({ "@cupel/bench": "1.2.3" }),
    finding: /@cupel\/bench, which is not published/,
  },
  "an install script": {
    change: { manifest: { ...sound.manifest, scripts: { postinstall: "node fetch.js" } } },
    finding: /has a script "postinstall"/,
  },
  "no Node.js": { change: { manifest: { ...sound.manifest, engines: {} } }, finding: /which Node\.js/ },
  "no keywords": { change: { manifest: { ...sound.manifest, keywords: [] } }, finding: /no "keywords"/ },
  "a test": { change: carrying("test/a.test.js"), finding: /carries a test: test\/a\.test\.js/ },
  "a source": { change: carrying("src/a.ts"), finding: /carries a source: src\/a\.ts/ },
  "no licence": { change: { files: complete.slice(1) }, finding: /has no LICENSE/ },
  "a path of this machine": {
    change: carrying("src/a.js", 'const file = "/home/someone/cupel/src/a.ts";'),
    finding: /src\/a\.js names \/home\/someone\/cupel/,
  },
};

function depending(dependencies: Record<string, string>): Partial<PackedPackage> {
  return { manifest: { ...sound.manifest, dependencies } };
}

function carrying(path: string, content = ""): Partial<PackedPackage> {
  return { files: [...complete, { path, bytes: text(content) }] };
}

describe("before it publishes, a release finds", () => {
  test("nothing in a sound package", () => {
    const declarations = [...complete, { path: "src/index.d.ts", bytes: text("") }];
    assert.deepEqual(packageFindings({ ...sound, files: declarations }, together), []);
  });

  for (const [name, { change, finding }] of Object.entries(unsound)) {
    test(name, () => {
      const findings = packageFindings({ ...sound, ...change }, together);
      assert.equal(findings.length, 1, findings.join("; "));
      assert.match(findings[0]!, finding);
    });
  }

  test("packages of several versions, but for the engine's parts", () => {
    const versions = new Map([
      ["@cupel/base", "1.2.3"],
      ["@cupel/onnx", "1.2.4"],
      ["@cupel/engine-linux-x64", "1.30.0"],
    ]);
    assert.deepEqual(versionFindings(versions), [
      "versions differ: 1.2.3 of @cupel/base; 1.2.4 of @cupel/onnx",
    ]);
  });
});

describe("packages are published", () => {
  const a = { name: "a", dependencies: { b: "1.0.0" }, optionalDependencies: { c: "1.0.0" } };
  const b = { name: "b", dependencies: { c: "1.0.0", elsewhere: "1.0.0" } };
  const c = { name: "c" };

  test("after those they depend on", () => {
    assert.deepEqual(publishOrder([a, b, c]), [c, b, a]);
  });

  test("not at all when they depend on each other in a circle", () => {
    assert.throws(() => publishOrder([b, { name: "c", dependencies: { b: "1.0.0" } }]), /in a circle: b, c/);
  });
});

describe("a public workflow", () => {
  for (const file of globSync(".github/workflows/*.yml", { cwd: root })) {
    const source = readFileSync(join(root, file), "utf8");
    test(`${file} pins its actions by commit and may only read`, () => {
      const actions = [...source.matchAll(/uses: (\S+)/g)].map(([, action]) => action!);
      assert.ok(actions.length > 0);
      for (const action of actions) assert.match(action, /^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/);
      assert.match(source, /^permissions:\n {2}contents: read\n/m);
      assert.doesNotMatch(source, /: write/);
    });
  }
});
