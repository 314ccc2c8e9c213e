/** What a model's file says of itself, as the metadata of the protocol has it: by name, as text. */
import { CupelError } from "@cupel/base";
import { type Model, readModelFile } from "@cupel/onnx";
import { classesFromMetadata, ownPreprocessing, taskOf } from "@cupel/predict";

export interface ModelProperties {
  /** `task` is a bare word, `classes` and `preprocessing` are JSON. What the file does not say is absent. */
  readonly properties: Readonly<Record<string, string>>;
  /** Pixels a side that its images have; undefined where it does not say. */
  readonly side: number | undefined;
  /** Sentences on what it says and cannot mean. */
  readonly problems: readonly string[];
}

/** Tensors are served whatever the file says of itself: what is malformed there is a remark. */
export async function readProperties(path: string): Promise<ModelProperties> {
  try {
    return modelProperties(await readModelFile(path));
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    return { properties: {}, side: undefined, problems: [thrown.message] };
  }
}

function modelProperties(model: Model): ModelProperties {
  const problems: string[] = [];
  const said = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof CupelError)) throw thrown;
      problems.push(thrown.message);
      return null;
    }
  };
  const task = said(() => taskOf(model).name);
  const classes = said(() => classesFromMetadata(model.metadata));
  const preprocessing = said(() => ownPreprocessing(model));
  return {
    properties: {
      ...(task === null ? {} : { task }),
      ...(classes === null ? {} : { classes: JSON.stringify(classes) }),
      ...(preprocessing === null ? {} : { preprocessing: JSON.stringify(preprocessing) }),
    },
    side: preprocessing?.width,
    problems,
  };
}
