/** What ultralytics' exports say of themselves: texts as its versions 8.0 to 8.4 write them. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { preprocessingFor, preprocessingText } from "@cupel/vision";
import { ultralyticsMetadata, ultralyticsPreprocessing } from "../src/file/ultralytics-metadata.ts";

const own = {
  task: "detect",
  stride: "32",
  batch: "1",
  imgsz: "[480, 640]",
  names: "{0: 'person', 1: 'traffic light'}",
};
const read = (more: Readonly<Record<string, string>> = {}) =>
  ultralyticsMetadata(new Map(Object.entries({ ...own, ...more })));

suite("the metadata of ultralytics", () => {
  test("says height before width", () => {
    assert.deepEqual(read(), {
      task: "detect",
      size: { width: 640, height: 480 },
      names: ["person", "traffic light"],
      classes: 2,
      suppressed: false,
    });
  });

  for (const [text, names] of [
    [`{0: "driver's seat", 1: '7', 2: '公交车'}`, ["driver's seat", "7", "公交车"]],
    ["['a', 'b']", ["a", "b"]],
    ["{0: '0', 1: '1'}", null],
    ["{0: '1', 1: '0'}", ["1", "0"]],
    ["{1: 'a', 2: 'b'}", null],
    ["{}", null],
    ["cat", null],
    ["{0: [", null],
  ] as const) {
    test(`names ${text}`, () => assert.deepEqual(read({ names: text })?.names, names));
  }

  test("tells models that leave out overlapping boxes", () => {
    assert.equal(read({ end2end: "True" })?.suppressed, true);
    assert.equal(read({ args: "{'batch': 1, 'half': False, 'nms': True}" })?.suppressed, true);
    assert.equal(read({ end2end: "False", args: "{'nms': False}" })?.suppressed, false);
  });

  test("is not that of another program which has a task", () => {
    assert.equal(ultralyticsMetadata(new Map([["task", "detect"]])), null);
  });

  for (const [task, text] of [
    [
      "detect",
      "colour=rgb,resize=letter-box,crop=640x480,pad=114,interpolation=linear,layout=NCHW,scale=1/255,mean=0/0/0,std=1/1/1",
    ],
    [
      "classify",
      "colour=rgb,resize=short-side:480,crop=640x480,interpolation=bilinear,layout=NCHW,scale=1/255,mean=0/0/0,std=1/1/1",
    ],
  ] as const) {
    test(`decides how images are prepared to ${task}`, () => {
      const told = ultralyticsPreprocessing(read({ task })!, preprocessingFor(["N", 3, "h", "w"]));
      assert.equal(preprocessingText(told), text);
    });
  }
});
