/** @cupel/client as the suite knows clients: it retries nothing, so that refusals are seen. */
import { ClientError, createClient, type FaceName } from "@cupel/client";
import type { IndexEntry, NumberTensor, Tensor } from "@cupel/serve";
import { type BehaviourClient, type CallOptions, Refusal, type StatusOf } from "./client.ts";

/** @param statusOf the face's, for a deadline that passes at the client before the server's word of it arrives */
export function cupelClient(
  face: FaceName,
  port: number,
  ownKey: string,
  statusOf: StatusOf,
): BehaviourClient {
  const client = createClient({
    endpoints: `http://127.0.0.1:${port}`,
    face,
    timeoutMs: null,
    retry: { retries: 0 },
  });
  const asked = ({ key = ownKey, timeoutMs, signal }: CallOptions = {}) => ({
    headers: key === null ? {} : { "x-api-key": key },
    timeoutMs,
    signal,
  });
  const told = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (thrown) {
      if (!(thrown instanceof ClientError)) throw thrown;
      const { code, status, message, retryAfterMs } = thrown;
      const late = code === "DEADLINE_EXCEEDED" ? statusOf.late : 0;
      throw new Refusal({ code, status: status ?? late, message, retryAfterMs });
    }
  };
  return {
    async infer(request, options) {
      const inputs = request.inputs as readonly SentTensor[];
      const { outputs, ...answer } = await told(client.infer({ ...request, inputs }, asked(options)));
      return { ...answer, outputs: outputs as readonly NumberTensor[] };
    },
    predict: ({ windows, ...request }, options) =>
      told(
        client.predict(
          {
            ...request,
            windows: windows === true,
            images: request.images.map((image) => (image.kind === "encoded" ? image.bytes : image)),
          },
          asked(options),
        ),
      ).then(({ answers, ...rest }) => ({
        ...rest,
        answers: answers.map(({ width, height, classes }) => ({ width, height, classes })),
      })),
    isReady: () => told(client.ready(asked())),
    isModelReady: (model, version) => told(client.modelReady(model, version, asked())),
    modelMetadata: async (model, version, options) => {
      const { inputs, outputs, ...rest } = await told(client.modelMetadata(model, version, asked(options)));
      return { ...rest, inputs: inputs as readonly Described[], outputs: outputs as readonly Described[] };
    },
    index: async (options) => (await told(client.index(asked(options)))) as readonly IndexEntry[],
    load: (model, options) => told(client.load(model, asked(options))),
    unload: (model, options) => told(client.unload(model, asked(options))),
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
}

type Described = {
  readonly name: string;
  readonly datatype: Tensor["datatype"];
  readonly shape: readonly number[];
};
/** Here a datatype and its array belong together by type; in the server's interface they do not. */
type SentTensor = Parameters<ReturnType<typeof createClient>["infer"]>[0]["inputs"][number];
