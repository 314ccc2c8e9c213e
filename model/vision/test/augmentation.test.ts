/** Augmentation: its two forms, its pixels against formulas and Pillow's output, and where its draws come from. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createAugmenter } from "../src/augmentation/augment.ts";
import { changeColour } from "../src/augmentation/colour.ts";
import { type Augmentation, parseAugmentation, type RawImage, readAugmentation } from "../src/index.ts";
import { asDecoded, raw, refused } from "./fixtures.ts";

suite("the two forms", () => {
  for (const [text, steps] of [
    ["", []],
    ["flip", [{ kind: "flip", probability: 0.5 }]],
    ["flip-vertical=1", [{ kind: "flip-vertical", probability: 1 }]],
    [
      "flip, crop=4",
      [
        { kind: "flip", probability: 0.5 },
        { kind: "crop", padding: 4 },
      ],
    ],
    ["crop", [{ kind: "crop", padding: 0 }]],
    [
      "resized-crop=0.25",
      [{ kind: "resized-crop", minScale: 0.25, maxScale: 1, minRatio: 3 / 4, maxRatio: 4 / 3 }],
    ],
    ["shift=3", [{ kind: "shift", pixels: 3, fill: "black" }]],
    ["shift=3/edge,rotate", [{ kind: "shift", pixels: 3, fill: "edge" }, { kind: "rotate" }]],
    ["colour=0.2", [{ kind: "colour", brightness: 0.2, contrast: 0.2, saturation: 0.2 }]],
    ["colour=0.2/0.1/0", [{ kind: "colour", brightness: 0.2, contrast: 0.1, saturation: 0 }]],
    ["erase=8", [{ kind: "erase", size: 8 }]],
  ] as const) {
    test(`"${text}" is text for what JSON says`, () => {
      assert.deepEqual(parseAugmentation(text), steps);
      assert.deepEqual(readAugmentation(JSON.parse(JSON.stringify(steps))), steps);
    });
  }

  for (const [text, saying] of [
    ["mirror", /step of the kind "mirror"; the kinds are flip, /],
    ["flip=2", /"probability" of "flip" .* must be a probability, 0 to 1, not 2/],
    ["shift", /"pixels" of "shift" .* whole number of pixels from 1, it is missing/],
    ["shift=3/white", /"fill" .* black or edge, not "white"/],
    ["crop=4/5", /"crop=4\/5" .* 1 settings too many/],
    ["colour=loud", /"brightness" .* not "loud"/],
    ["resized-crop=0.5/0.2", /smallest scale or ratio above the largest/],
  ] as const) {
    test(`"${text}" is refused`, () =>
      refused(() => parseAugmentation(text), "AUGMENTATION_INVALID", saying));
  }

  test("JSON of another form is refused by name", async () => {
    await refused(() => readAugmentation({ kind: "flip" }), "AUGMENTATION_INVALID", /JSON list/);
    await refused(() => readAugmentation([3]), "AUGMENTATION_INVALID", /kind undefined/);
    const steps = [{ kind: "erase", size: 2, colour: "red" }];
    await refused(() => readAugmentation(steps), "AUGMENTATION_INVALID", /"erase" .* no setting "colour"/);
  });
});

/** A grey image of the levels 1, 2, ... so that black (0) is told from each. */
function numbered(width: number, height: number): RawImage {
  return raw(
    width,
    height,
    1,
    Array.from({ length: width * height }, (_, i) => i + 1),
  );
}

const grey = (width: number, height: number) => asDecoded({ colour: "grey", width, height });

/** Every distinct result over 400 seeds, as text. */
function outcomes(augmentation: Augmentation, image: RawImage, frame = image): Set<string> {
  const augment = createAugmenter(augmentation, grey(frame.width, frame.height));
  return new Set(Array.from({ length: 400 }, (_, seed) => textOf(augment(image, seed))));
}

const textOf = ({ width, height, data }: RawImage): string => `${width}x${height}: ${[...data].join(" ")}`;

suite("what the steps give", () => {
  test("flip and flip-vertical mirror, or do not", () => {
    const image = numbered(3, 2);
    assert.deepEqual(
      outcomes(parseAugmentation("flip"), image),
      new Set(["3x2: 1 2 3 4 5 6", "3x2: 3 2 1 6 5 4"]),
    );
    assert.deepEqual(
      outcomes(parseAugmentation("flip-vertical"), image),
      new Set(["3x2: 1 2 3 4 5 6", "3x2: 4 5 6 1 2 3"]),
    );
    assert.deepEqual(outcomes(parseAugmentation("flip=1"), image), new Set(["3x2: 3 2 1 6 5 4"]));
    assert.deepEqual(outcomes(parseAugmentation("flip=0"), image), new Set(["3x2: 1 2 3 4 5 6"]));
  });

  test("a mirrored colour image keeps its channels together", () => {
    const augment = createAugmenter(parseAugmentation("flip=1"), asDecoded());
    assert.deepEqual([...augment(raw(2, 1, 3, [1, 2, 3, 4, 5, 6]), 0).data], [4, 5, 6, 1, 2, 3]);
  });

  test("crop takes every window of the padded image, and no other", () => {
    const expected = new Set<string>();
    const levelAt = (x: number, y: number) => (x >= 0 && x < 2 && y >= 0 && y < 2 ? 1 + x + 2 * y : 0);
    for (let top = -1; top <= 1; top++) {
      for (let left = -1; left <= 1; left++) {
        const levels = [0, 1, 2, 3].map((i) => levelAt(left + (i % 2), top + Math.floor(i / 2)));
        expected.add(`2x2: ${levels.join(" ")}`);
      }
    }
    assert.deepEqual(outcomes(parseAugmentation("crop=1"), numbered(2, 2)), expected);
  });

  test("crop of a larger image has the size of the tensor; a smaller image lies in its middle", () => {
    assert.deepEqual(
      outcomes(parseAugmentation("crop"), numbered(3, 1), numbered(2, 1)),
      new Set(["2x1: 1 2", "2x1: 2 3"]),
    );
    assert.deepEqual(
      outcomes(parseAugmentation("crop"), numbered(1, 1), numbered(3, 1)),
      new Set(["3x1: 0 1 0"]),
    );
  });

  test("shift brings in black, or the nearest pixel", () => {
    const row = numbered(3, 1);
    const levels = (text: string) => new Set([...outcomes(parseAugmentation(text), row)]);
    // Moved down or up, one row is black altogether.
    assert.deepEqual(levels("shift=1"), new Set(["3x1: 1 2 3", "3x1: 0 1 2", "3x1: 2 3 0", "3x1: 0 0 0"]));
    assert.deepEqual(levels("shift=1/edge"), new Set(["3x1: 1 2 3", "3x1: 1 1 2", "3x1: 2 3 3"]));
    // Farther than the image is wide.
    assert.ok(levels("shift=9/edge").has("3x1: 3 3 3"));
  });

  test("rotate turns by quarters", () => {
    assert.deepEqual(
      outcomes(parseAugmentation("rotate"), numbered(3, 2)),
      new Set(["3x2: 1 2 3 4 5 6", "2x3: 4 1 5 2 6 3", "3x2: 6 5 4 3 2 1", "2x3: 3 6 2 5 1 4"]),
    );
  });

  test("erase leaves the mean, which normalises to about 0, in a square cut at the edges", () => {
    const preprocessing = asDecoded({ colour: "grey", width: 3, height: 3, scale: 1 / 255, mean: [0.3] });
    const augment = createAugmenter(parseAugmentation("erase=2"), preprocessing);
    const counts = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const erased = augment(raw(3, 3, 1, new Array(9).fill(200)), seed).data;
      counts.add(erased.filter((level) => level === 77).length);
      assert.ok(erased.every((level) => level === 77 || level === 200));
    }
    // 77 = 0.3 * 255, rounded. In a corner, at an edge, in the middle.
    assert.deepEqual([...counts].sort(), [1, 2, 4]);
  });

  test("erase gives each colour its own mean, blue first or not", () => {
    for (const [colour, mean] of [
      ["rgb", [10, 20, 30]],
      ["bgr", [30, 20, 10]],
    ] as const) {
      const augment = createAugmenter(parseAugmentation("erase=1"), asDecoded({ colour, mean }));
      assert.deepEqual([...augment(raw(1, 1, 3, [1, 2, 3]), 0).data], [10, 20, 30]);
    }
  });

  test("resized-crop keeps to its areas and proportions and gives the size of the tensor", () => {
    // Each pixel is its column, then its row: the spread of the levels tells the window.
    const side = 100;
    const columns = raw(
      side,
      side,
      1,
      Array.from({ length: side * side }, (_, i) => i % side),
    );
    const rows = raw(
      side,
      side,
      1,
      Array.from({ length: side * side }, (_, i) => Math.floor(i / side)),
    );
    const augment = createAugmenter(parseAugmentation("resized-crop=0.25/0.5/0.8/1.25"), {
      ...grey(50, 40),
      interpolation: "nearest",
    });
    const shares: number[] = [];
    for (let seed = 0; seed < 200; seed++) {
      const across = augment(columns, seed);
      const down = augment(rows, seed);
      assert.deepEqual([across.width, across.height], [50, 40]);
      // The first and last of 50 samples miss up to a pixel of the window on either side.
      const width = Math.max(...across.data) - Math.min(...across.data) + 1;
      const height = Math.max(...down.data) - Math.min(...down.data) + 1;
      assert.ok(width / height > 0.72 && width / height < 1.37, `${width} x ${height}`);
      shares.push((width * height) / side ** 2);
    }
    assert.ok(
      Math.min(...shares) > 0.22 && Math.max(...shares) < 0.53,
      `${Math.min(...shares)} ${Math.max(...shares)}`,
    );
    assert.ok(Math.min(...shares) < 0.3 && Math.max(...shares) > 0.45);
  });

  test("a resized crop that cannot fit is the largest in the middle", () => {
    const tall = raw(1, 5, 1, [1, 2, 3, 4, 5]);
    assert.deepEqual(
      outcomes(parseAugmentation("resized-crop=1/1/1/1"), tall, numbered(1, 1)),
      new Set(["1x1: 3"]),
    );
  });
});

suite("colour is what Pillow's ImageEnhance gives", () => {
  // Pillow 13.0: Image.new("RGB", (3, 2)) with these pixels, enhanced by Brightness, Contrast, Color.
  const image = raw(3, 2, 3, [255, 0, 0, 0, 255, 0, 12, 200, 99, 77, 77, 77, 250, 240, 3, 1, 2, 3]);
  const none = { brightness: 1, contrast: 1, saturation: 1 };
  for (const [factors, expected] of [
    [{ brightness: 0.63 }, [160, 0, 0, 0, 160, 0, 7, 126, 62, 48, 48, 48, 157, 151, 1, 0, 1, 1]],
    [{ brightness: 1.37 }, [255, 0, 0, 0, 255, 0, 16, 255, 135, 105, 105, 105, 255, 255, 4, 1, 2, 4]],
    [{ contrast: 0.63 }, [200, 40, 40, 40, 200, 40, 47, 166, 102, 88, 88, 88, 197, 191, 42, 40, 41, 42]],
    [{ contrast: 1.37 }, [255, 0, 0, 0, 255, 0, 0, 233, 95, 65, 65, 65, 255, 255, 0, 0, 0, 0]],
    [{ saturation: 0.63 }, [188, 28, 28, 55, 216, 55, 56, 174, 111, 77, 77, 77, 237, 231, 81, 1, 2, 2]],
    [{ saturation: 1.37 }, [255, 0, 0, 0, 255, 0, 0, 225, 86, 77, 77, 77, 255, 248, 0, 0, 2, 3]],
    [
      { brightness: 1.21, contrast: 0.83, saturation: 1.4 },
      [255, 0, 0, 0, 255, 0, 0, 247, 104, 97, 97, 97, 240, 240, 0, 19, 21, 22],
    ],
  ] as const) {
    test(JSON.stringify(factors), () => {
      assert.deepEqual([...changeColour(image, { ...none, ...factors }).data], expected);
    });
  }

  test("grey has brightness and contrast", () => {
    const levels = raw(3, 2, 1, [76, 150, 132, 77, 216, 2]);
    const factors = { brightness: 1, contrast: 1.37, saturation: 0 };
    assert.deepEqual([...changeColour(levels, factors).data], [63, 165, 140, 65, 255, 0]);
  });

  test("strength bounds the factors", () => {
    const augment = createAugmenter(parseAugmentation("colour=0.2/0/0"), asDecoded({ colour: "grey" }));
    const levels = Array.from({ length: 400 }, (_, seed) => augment(raw(1, 1, 1, [100]), seed).data[0]!);
    assert.ok(Math.min(...levels) >= 80 && Math.min(...levels) <= 82);
    assert.ok(Math.max(...levels) <= 120 && Math.max(...levels) >= 118);
  });
});

test("the same seed gives the same pixels, whatever was augmented before, and the source stays as it is", () => {
  const augmentation = parseAugmentation("flip,flip-vertical,crop=1,shift=1/edge,rotate,colour=0.4,erase=2");
  const preprocessing = asDecoded({ width: 4, height: 4 });
  const image = raw(
    4,
    4,
    3,
    Array.from({ length: 48 }, (_, i) => 5 * i),
  );
  const before = image.data.slice();
  const results = (seeds: readonly number[]) => {
    const augment = createAugmenter(augmentation, preprocessing);
    return new Map(seeds.map((seed) => [seed, textOf(augment(image, seed))]));
  };
  const forwards = results([0, 1, 2, 2 ** 52, 2 ** 52 + 1]);
  const backwards = results([2 ** 52 + 1, 2 ** 52, 2, 1, 0]);
  for (const [seed, text] of forwards) assert.equal(backwards.get(seed), text);
  assert.equal(new Set(forwards.values()).size, 5);
  assert.deepEqual(image.data, before);
});
