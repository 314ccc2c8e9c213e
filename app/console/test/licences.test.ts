/** Who passes a page on passes on the licences of the libraries inside it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { pageTemplate } from "@cupel/console";
import { librariesOf } from "../src/library-notices.ts";
import { sourcePages } from "../src/page-sources.ts";

/** The copyright line each library asks to be kept, and a string of its code that shows that a page carries it. */
const libraries: readonly {
  readonly name: string;
  readonly copyright: string;
  readonly isIn: (template: string) => boolean;
}[] = [
  {
    name: "echarts",
    copyright: "Copyright 2017-2026 The Apache Software Foundation",
    isIn: (template) => template.includes("[ECharts]"),
  },
  {
    name: "d3, a part of it in echarts",
    copyright: "Copyright 2010-2016 Mike Bostock",
    isIn: (template) => template.includes("[ECharts]"),
  },
  {
    name: "zrender",
    copyright: "Copyright (c) 2017, Baidu Inc.",
    isIn: (template) => template.includes("zr_"),
  },
  {
    name: "tslib",
    copyright: "Copyright (c) Microsoft Corporation.",
    isIn: (template) => template.includes("Class extends value "),
  },
  {
    name: "preact",
    copyright: "Copyright (c) 2015-present Jason Miller",
    isIn: (template) => template.includes("__k"),
  },
];

const count = (text: string, part: string) => text.split(part).length - 1;

test("each page carries the copyright line of each library inside it, and of no other", async () => {
  for (const name of await sourcePages()) {
    const template = await pageTemplate(name);
    const foot = /<footer class="licences">.*<\/footer>/s.exec(template)?.[0] ?? "";
    for (const library of libraries) {
      const said = `${name}: ${library.name}`;
      assert.equal(foot.includes(library.copyright), library.isIn(template.replace(foot, "")), said);
    }
  }
});

test("the report carries all of them, so that the test above cannot pass on nothing", async () => {
  const template = await pageTemplate("report");
  for (const { name, copyright } of libraries) assert.equal(count(template, copyright), 1, name);
  assert.match(template, /Apache License\s+Version 2\.0/);
});

test("NOTICE of the package is what the build writes", async () => {
  const notice = await readFile(new URL("../NOTICE", import.meta.url), "utf8");
  for (const name of await sourcePages()) {
    const template = await pageTemplate(name);
    for (const [, title] of template.matchAll(/<h2>([^<]+ \([^<]+\))<\/h2>/g)) {
      assert.ok(notice.includes(`\n${title}\n`), `NOTICE lacks ${title}: npm run build writes it`);
    }
  }
  for (const { name, copyright } of libraries) assert.ok(notice.includes(copyright), name);
});

test("modules of ours and of the bundler belong to no library; a module of a library names its package", async () => {
  const root = new URL("../../../", import.meta.url).pathname;
  const found = await librariesOf([
    "\0rolldown/runtime.js",
    `${root}app/console/pages/report/main.tsx`,
    `${root}node_modules/zrender/lib/core/util.js`,
    `${root}node_modules/zrender/lib/zrender.js`,
  ]);
  assert.deepEqual(
    found.map(({ name, licence }) => [name, licence]),
    [["zrender", "BSD-3-Clause"]],
  );
  assert.match(found[0]!.text, /^BSD 3-Clause License/);
});
