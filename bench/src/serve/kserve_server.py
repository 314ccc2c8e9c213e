"""The peer: KServe's Python server with ONNX Runtime of PyPI behind it, as its documentation shows for a custom model.

python kserve_server.py MODEL.onnx PORT THREADS
Speaks Open Inference Protocol v2, JSON and binary.
"""

import sys

import numpy as np
import onnxruntime
import uvicorn
from kserve import InferOutput, InferResponse, Model, ModelServer

path, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


class LoopbackConfig(uvicorn.Config):
    """The server binds to every address and has no option for it; here it is to be reached from this machine only."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **{**options, "host": "127.0.0.1"})


uvicorn.Config = LoopbackConfig


class OnnxModel(Model):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.output = self.session.get_outputs()[0].name
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None):
        tensor = payload.inputs[0].as_numpy()
        (scores,) = self.session.run([self.output], {self.input: tensor})
        output = InferOutput(name=self.output, shape=list(scores.shape), datatype="FP32")
        output.set_data_from_numpy(np.ascontiguousarray(scores), binary_data=True)
        return InferResponse(response_id=payload.id or "", model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    ModelServer(http_port=port, workers=1, enable_grpc=False, access_log_format=None).start(
        [OnnxModel("model")]
    )
