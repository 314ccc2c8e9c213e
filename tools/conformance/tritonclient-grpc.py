"""Asks a Cupel server what tritonclient.grpc can ask. Its argument is host:port. Ends with "N passed, N failed"."""

import queue
import sys
import traceback

import grpc
import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import np_to_triton_dtype

client = triton.InferenceServerClient(sys.argv[1])
cases = []


def case(function):
    cases.append(function)
    return function


def given(name, values):
    tensor = triton.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
    tensor.set_data_from_numpy(values)
    return tensor


def infer(model, values, name="x", **more):
    return client.infer(model, [given(name, values)], outputs=[triton.InferRequestedOutput("y")], **more)


def refused(status, ask):
    try:
        ask()
    except triton.InferenceServerException as error:
        assert error.status() == f"StatusCode.{status}", error.status()
        assert error.message(), "no message"
        return
    raise AssertionError("it was answered")


@case
def health():
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("scaler")
    assert client.is_model_ready("scaler", "1")


@case
def metadata():
    found = client.get_server_metadata(as_json=True)
    assert found["name"] == "cupel", found
    found = client.get_model_metadata("scaler", as_json=True)
    assert found["inputs"] == [{"name": "x", "datatype": "FP32", "shape": ["-1", "3"]}], found
    assert found["platform"] == "onnxruntime_onnx", found
    refused("NOT_FOUND", lambda: client.get_model_metadata("none"))


@case
def config():
    found = client.get_model_config("scaler", as_json=True)["config"]
    assert found["name"] == "scaler" and found["input"][0]["data_type"] == "TYPE_FP32", found
    assert found["input"][0]["dims"] == ["-1", "3"], found


@case
def floats():
    values = np.array([[1, -2.5, 0.1], [4, 5, 6]], np.float32)
    answer = infer("scaler", values, request_id="a")
    assert answer.get_response().id == "a"
    np.testing.assert_array_equal(answer.as_numpy("y"), values * np.float32(3))


@case
def all_outputs_by_default_of_a_version():
    answer = client.infer("scaler", [given("x", np.ones([1, 3], np.float32))], model_version="1")
    assert answer.get_response().model_version == "1"
    np.testing.assert_array_equal(answer.as_numpy("y"), np.full([1, 3], 3, np.float32))


@case
def wide_integers_keep_their_digits():
    values = np.array([2**63 - 1, -(2**63), 2**53 + 1, 0], np.int64)
    np.testing.assert_array_equal(infer("int64", values).as_numpy("y"), values)


@case
def half_precision_and_bool():
    values = np.array([1.5, -0.25, np.inf], np.float16)
    np.testing.assert_array_equal(infer("float16", values).as_numpy("y"), values)
    values = np.array([True, False, True])
    np.testing.assert_array_equal(infer("bool", values).as_numpy("y"), values)


@case
def compressed():
    values = np.zeros([4000, 3], np.float32)
    answer = infer("scaler", values, compression_algorithm="gzip")
    np.testing.assert_array_equal(answer.as_numpy("y"), values)


@case
def refusals():
    values = np.ones([1, 3], np.float32)
    refused("NOT_FOUND", lambda: infer("none", values))
    refused("NOT_FOUND", lambda: client.infer("scaler", [given("x", values)], model_version="9"))
    refused("INVALID_ARGUMENT", lambda: infer("scaler", values, name="z"))
    refused("INVALID_ARGUMENT", lambda: infer("scaler", np.ones([1, 4], np.float32)))
    refused("INVALID_ARGUMENT", lambda: infer("scaler", np.ones([1, 3], np.float64)))


@case
def a_body_over_the_limit():
    values = np.ones([2_000_000, 3], np.float32)
    refused("RESOURCE_EXHAUSTED", lambda: infer("scaler", values))


@case
def asynchronous():
    answers = queue.Queue()
    for i in range(20):
        values = np.full([1, 3], i, np.float32)
        client.async_infer("scaler", [given("x", values)], lambda result, error: answers.put((result, error)), request_id=str(i))
    for _ in range(20):
        result, error = answers.get(timeout=30)
        assert error is None, error
        i = int(result.get_response().id)
        np.testing.assert_array_equal(result.as_numpy("y"), np.full([1, 3], 3 * i, np.float32))


@case
def a_stream_keeps_order_and_survives_an_error():
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    models = ["scaler", "none", "scaler", "scaler"]
    for i, model in enumerate(models):
        values = np.full([1, 3], i, np.float32)
        client.async_stream_infer(model, [given("x", values)], request_id=str(i), enable_empty_final_response=True)
    for i, model in enumerate(models):
        result, error = answers.get(timeout=30)
        if model == "none":
            assert "MODEL_UNKNOWN" in error.message(), error
            continue
        assert error is None, error
        response = result.get_response()
        assert response.id == str(i), response.id
        assert response.parameters["triton_final_response"].bool_param
        np.testing.assert_array_equal(result.as_numpy("y"), np.full([1, 3], 3 * i, np.float32))
    client.stop_stream()


@case
def a_deadline():
    values = np.ones([400_000, 3], np.float32)
    refused("DEADLINE_EXCEEDED", lambda: infer("scaler", values, client_timeout=0.001))
    np.testing.assert_array_equal(infer("scaler", np.ones([1, 3], np.float32), client_timeout=30).as_numpy("y")[0, 0], 3)


@case
def a_call_is_cancelled():
    answers = queue.Queue()
    values = np.ones([400_000, 3], np.float32)
    context = client.async_infer("scaler", [given("x", values)], lambda result, error: answers.put(error))
    context.cancel()
    error = answers.get(timeout=30)
    assert error is None or "CANCELLED" in str(error.status()) or "cancelled" in error.message().lower(), error


@case
def repository():
    found = client.get_model_repository_index(as_json=True)["models"]
    assert {"scaler", "int64"} <= {entry["name"] for entry in found}, found
    assert all(entry["state"] == "READY" for entry in found), found
    client.unload_model("bool")
    refused("UNAVAILABLE", lambda: infer("bool", np.array([True])))
    client.load_model("bool")
    np.testing.assert_array_equal(infer("bool", np.array([True])).as_numpy("y"), [True])
    refused("NOT_FOUND", lambda: client.load_model("none"))
    refused("INVALID_ARGUMENT", lambda: client.load_model("scaler", config="{}"))


@case
def statistics():
    infer("scaler", np.ones([2, 3], np.float32))
    found = client.get_inference_statistics("scaler", as_json=True)["model_stats"]
    assert int(found[0]["inference_stats"]["success"]["count"]) > 0, found
    assert client.get_inference_statistics(as_json=True)["model_stats"]
    refused("NOT_FOUND", lambda: client.get_inference_statistics("none"))


@case
def what_the_server_has_not():
    refused("UNIMPLEMENTED", client.get_trace_settings)
    refused("UNIMPLEMENTED", client.get_log_settings)
    refused("UNIMPLEMENTED", client.get_system_shared_memory_status)


@case
def credentials_and_metadata():
    answer = client.is_server_live(headers={"x-api-key": "any", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
    assert answer
    with grpc.insecure_channel(sys.argv[1]) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)


failed = 0
for function in cases:
    try:
        function()
        print(f"ok   {function.__name__}")
    except Exception:
        failed += 1
        print(f"FAIL {function.__name__}")
        traceback.print_exc()
print(f"{len(cases) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
