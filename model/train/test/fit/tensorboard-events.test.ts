/** Event files are those of TensorBoard's own writer, byte for byte. */
import assert from "node:assert/strict";
import test from "node:test";
import { crc32c, scalarsRecord, startRecord, versionRecord } from "../../src/fit/tensorboard-events.ts";

/** TensorBoard 2.21: RecordWriter of three Event messages, SerializeToString. */
const byTensorBoard =
  "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110" +
  "0f000000000000006d532b090900002040fc54d94110033a02080120ab681c" +
  "36000000000000004f578cef0900005040fc54d94110ac022a280a110a0a6c6f73732f747261696e150000203f0a130a" +
  "0c6c6561726e696e675261746515cdcccc3d5be45433";

test("a version, a start and scalars are the bytes that TensorBoard writes", () => {
  const time = 1_700_000_000.5;
  const scalars = { "loss/train": 0.625, learningRate: 0.1 };
  const written = [
    versionRecord(time),
    startRecord(time, 3),
    scalarsRecord({ time: time + 0.75, step: 300, scalars }),
  ];
  assert.equal(Buffer.concat(written).toString("hex"), byTensorBoard);
});

test("the checksum has the check value of CRC-32C", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});
