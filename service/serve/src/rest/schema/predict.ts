/** Images in, answers out. */
import Type from "typebox";
import { count, object, ref, text } from "./parts.ts";

const size = () => Type.Integer({ minimum: 1, maximum: 65_535, description: "In pixels." });
const format = () =>
  Type.Unsafe<"rgb" | "i420" | "nv12">({
    type: "string",
    enum: ["rgb", "i420", "nv12"],
    description: "Of bare pixels.",
  });
const score = () => Type.Number({ description: "0 to 1." });
const base64 = (description: string) => Type.String({ contentEncoding: "base64", description });

const top = () => Type.Integer({ minimum: 1, description: "Classes told of each image. Default 5." });
const threshold = () =>
  Type.Number({
    minimum: 0,
    maximum: 1,
    description: "Least score of what is told. Default: the task's own.",
  });
const windows = () =>
  Type.Boolean({
    description: "Look for what a classifier knows in windows of a big picture. Default false.",
  });
const draw = () =>
  Type.Boolean({ description: "Send the picture back with what was found drawn into it. Default false." });

const PredictImage = object(
  "An image: a JPEG, PNG or WebP file, or bare pixels with their format and size.",
  {
    data: base64("The bytes of the file, or of the pixels."),
    format: Type.Optional(format()),
    width: Type.Optional(size()),
    height: Type.Optional(size()),
  },
);

export type PredictImage = Type.Static<typeof PredictImage>;

/** Of the query; the body of a JSON request has the same and they win. */
export const predictOptions = object("What to tell of the image that is the body.", {
  top: Type.Optional(top()),
  threshold: Type.Optional(threshold()),
  windows: Type.Optional(windows()),
  draw: Type.Optional(draw()),
  format: Type.Optional(format()),
  width: Type.Optional(size()),
  height: Type.Optional(size()),
});

const className = () =>
  Type.Unsafe<string | null>({
    type: ["string", "null"],
    description: "Null where nobody names the classes.",
  });

const edge = (description: string) =>
  Type.Number({ description: `${description}, in pixels of the upright image.` });

export const predictSchemas = {
  PredictImage,
  PredictRequest: object("Images for a model, and what to tell of them.", {
    id: Type.Optional(text("Echoed.")),
    images: Type.Array(ref<PredictImage>("PredictImage"), { minItems: 1 }),
    top: Type.Optional(top()),
    threshold: Type.Optional(threshold()),
    windows: Type.Optional(windows()),
    draw: Type.Optional(draw()),
  }),
  ToldClass: object("A class and how sure the model is of it.", {
    index: count("Of the class."),
    name: className(),
    score: score(),
  }),
  ToldBox: object("Where something of a class was found.", {
    index: count("Of the class."),
    name: className(),
    score: score(),
    left: edge("The left edge"),
    top: edge("The upper edge"),
    right: edge("The right edge"),
    bottom: edge("The lower edge"),
  }),
  ImageAnswer: object("What the model answers of an image; which members there are depends on its task.", {
    width: count("Of the upright image, in pixels."),
    height: count("Of the upright image, in pixels."),
    classes: Type.Optional(Type.Array(ref("ToldClass"), { description: "The likeliest first." })),
    boxes: Type.Optional(Type.Array(ref("ToldBox"))),
    mask: Type.Optional(
      Type.Object({
        png: base64("A class a pixel, as a PNG of one channel in the size of the image."),
        classes: Type.Array(ref("ToldClass"), { description: "The share of each class found." }),
      }),
    ),
    text: Type.Optional(
      Type.Object(
        { text: Type.String(), score: score() },
        { description: "Of a model that reads a line of text." },
      ),
    ),
    values: Type.Optional(Type.Array(Type.Number(), { description: "Of a model of numbers or features." })),
    drawing: Type.Optional(base64("The picture with what was found drawn into it, as PNG.")),
  }),
  PredictResponse: object("An answer an image, in their order.", {
    model_name: text("Of the model."),
    model_version: text("The version that answered."),
    id: Type.Optional(text("Of the request.")),
    task: text("What the model does: classification, detection ..."),
    answers: Type.Array(ref("ImageAnswer")),
  }),
};
