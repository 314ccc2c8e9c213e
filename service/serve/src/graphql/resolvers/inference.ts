/** Tensors in, tensors out; images in, answers out. */
import type { GraphQLResolveInfo } from "graphql";
import type { StageTimes } from "../../core/inference.ts";
import type { NumberTensor } from "../../core/tensor.ts";
import type { ImageAnswer } from "../../images/predict-request.ts";
import { finiteAnswer, type PredictArguments, readPredictRequest } from "../images.ts";
import type { Operation } from "../operation.ts";
import { readTensor, type TensorInput, tensorBase64, tensorData } from "../tensors.ts";
import { pathOf, run, timed } from "./run.ts";

interface InferArguments {
  readonly model: string;
  readonly version?: string | null;
  readonly id?: string | null;
  readonly inputs: readonly TensorInput[];
  readonly outputs?: readonly string[] | null;
}

/** A tensor of an answer, with the times of its run. */
interface ToldTensor extends NumberTensor {
  readonly times: StageTimes;
}

export const inferenceResolvers = {
  Query: {
    async infer(_root: unknown, asked: InferArguments, operation: Operation, info: GraphQLResolveInfo) {
      const { model, version, id, outputs } = asked;
      const { result, times } = await run(operation, "infer", pathOf(info), (call) => {
        const inputs = timed(call.times, "decode", () => asked.inputs.map(readTensor));
        return operation.service.infer(
          {
            model,
            version: version ?? undefined,
            id: id ?? undefined,
            inputs,
            outputs: outputs?.length ? outputs : undefined,
          },
          call,
        );
      });
      return { ...result, outputs: result.outputs.map((tensor): ToldTensor => ({ ...tensor, times })) };
    },
    async predict(_root: unknown, asked: PredictArguments, operation: Operation, info: GraphQLResolveInfo) {
      const { result } = await run(operation, "predict", pathOf(info), (call) => {
        const request = timed(call.times, "decode", () => readPredictRequest(asked));
        return operation.service.predict(request, call);
      });
      return { ...result, answers: operation.work.list(result.answers.map(finiteAnswer)) };
    },
  },
  Tensor: {
    data: (tensor: ToldTensor) => timed(tensor.times, "encode", () => tensorData(tensor)),
    base64: (tensor: ToldTensor) => tensorBase64(tensor),
  },
  Answer: {
    classes: ({ classes }: ImageAnswer, _args: unknown, { work }: Operation) => classes && work.list(classes),
    boxes: ({ boxes }: ImageAnswer, _args: unknown, { work }: Operation) => boxes && work.list(boxes),
  },
};
