/** XOR, the smallest thing a single layer cannot learn: `npx node examples/xor.ts`. */
import { encodeModelBytes } from "@cupel/onnx";
import { openSession } from "@cupel/runtime";
import { mlp, openTrainer } from "@cupel/train";

const pairs = { type: "float32", dims: [4, 2], data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) } as const;
const network = mlp({ inputs: 2, hidden: [8], classes: 2, activation: "tanh" });
await using trainer = await openTrainer(network, { batch: 4, optimiser: { kind: "adamw" }, threads: 1 });
for (let step = 0; step < 200; step++) {
  await trainer.step({ inputs: { input: pairs }, labels: Int32Array.of(0, 1, 1, 0) }, 0.05);
}
await using session = await openSession(encodeModelBytes(await trainer.exportModel()), { threads: 1 });
const { data } = (await session.run({ input: pairs })).logits!;
for (let i = 0; i < 4; i++) {
  console.log(
    `${pairs.data[2 * i]} xor ${pairs.data[2 * i + 1]} = ${Number(data[2 * i + 1]! > data[2 * i]!)}`,
  );
}
