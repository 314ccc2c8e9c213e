/** The class of each pixel laid over the image in colour, with the names of the classes. */
import { drawClasses, type Image } from "@cupel/vision";
import { pixelsByClass } from "./segmentation.ts";

/** Class names written into an image; all classes are coloured. */
const written = 8;

/**
 * As PNG. What is no thing stays as it is: the first class where it is called background, or nobody names the classes.
 * @param classOf each pixel of the upright image, as `classesOfImage` gives it. @param id names the image in a message.
 * @throws IMAGES_UNREADABLE, SELECTION_INVALID where `classOf` has another number of pixels
 */
export async function drawMap(
  image: Image,
  classOf: Int32Array,
  classes: readonly string[] | null,
  id: string,
): Promise<Uint8Array> {
  const nameOf = (index: number) => classes?.[index] ?? `class ${index}`;
  const isBackground = (index: number) =>
    index === 0 && (classes === null || /^_*background_*$/i.test(nameOf(0)));
  const drawn = pixelsByClass({ classes: classOf })
    .filter(({ classIndex }) => !isBackground(classIndex))
    .map(({ classIndex }, i) => ({ classIndex, text: i < written ? nameOf(classIndex) : "" }));
  return await drawClasses(image, classOf, drawn, id);
}
