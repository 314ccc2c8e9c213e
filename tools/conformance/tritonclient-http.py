"""Asks a Cupel server what tritonclient.http can ask. Its argument is host:port. Ends with "N passed, N failed"."""

import sys
import traceback

import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1], concurrency=4)
cases = []


def case(function):
    cases.append(function)
    return function


def infer(model, name, values, datatype, binary_in, binary_out, **more):
    given = triton.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values, binary_data=binary_in)
    wanted = triton.InferRequestedOutput("y", binary_data=binary_out)
    return client.infer(model, [given], outputs=[wanted], **more)


def refused(status, ask):
    try:
        ask()
    except triton.InferenceServerException as error:
        assert error.status() == str(status), error.status()
        assert error.message(), "no message"
        return
    raise AssertionError("it was answered")


@case
def health():
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("scaler")
    assert client.is_model_ready("scaler", "1")
    assert not client.is_model_ready("none")


@case
def metadata():
    assert client.get_server_metadata()["name"] == "cupel"
    found = client.get_model_metadata("scaler")
    assert found["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}], found
    refused(404, lambda: client.get_model_metadata("none"))


@case
def config():
    found = client.get_model_config("scaler")
    assert found["name"] == "scaler" and found["input"][0]["data_type"] == "TYPE_FP32", found


@case
def floats_in_every_form():
    values = np.array([[1, -2.5, 0.1], [4, 5, 6]], np.float32)
    for binary_in in (False, True):
        for binary_out in (False, True):
            answer = infer("scaler", "x", values, "FP32", binary_in, binary_out, request_id="a")
            assert answer.get_response()["id"] == "a"
            np.testing.assert_array_equal(answer.as_numpy("y"), values * np.float32(3))


@case
def all_outputs_as_binary_by_default():
    given = triton.InferInput("x", [1, 3], "FP32")
    given.set_data_from_numpy(np.ones([1, 3], np.float32))
    answer = client.infer("scaler", [given], model_version="1")
    np.testing.assert_array_equal(answer.as_numpy("y"), np.full([1, 3], 3, np.float32))


@case
def wide_integers_keep_their_digits():
    values = np.array([2**63 - 1, -(2**63), 2**53 + 1, 0], np.int64)
    for binary_in in (False, True):
        for binary_out in (False, True):
            answer = infer("int64", "x", values, "INT64", binary_in, binary_out)
            np.testing.assert_array_equal(answer.as_numpy("y"), values)


@case
def booleans():
    values = np.array([True, False, True])
    for binary_in in (False, True):
        for binary_out in (False, True):
            answer = infer("bool", "x", values, "BOOL", binary_in, binary_out)
            np.testing.assert_array_equal(answer.as_numpy("y"), values)


@case
def halves_as_binary():
    values = np.array([1.5, -0.25, np.inf], np.float16)
    np.testing.assert_array_equal(infer("float16", "x", values, "FP16", True, True).as_numpy("y"), values)
    refused(406, lambda: infer("float16", "x", values, "FP16", True, False))


@case
def compressed_bodies():
    values = np.ones([100, 3], np.float32)
    for algorithm in ("gzip", "deflate"):
        answer = infer("scaler", "x", values, "FP32", True, True, request_compression_algorithm=algorithm)
        np.testing.assert_array_equal(answer.as_numpy("y"), values * 3)


@case
def many_at_once():
    values = np.ones([1, 3], np.float32)
    given = triton.InferInput("x", [1, 3], "FP32")
    given.set_data_from_numpy(values)
    for asked in [client.async_infer("scaler", [given]) for _ in range(20)]:
        np.testing.assert_array_equal(asked.get_result().as_numpy("y"), values * 3)


@case
def errors():
    values = np.ones([1, 4], np.float32)
    refused(400, lambda: infer("scaler", "x", values, "FP32", True, True))
    refused(400, lambda: infer("scaler", "x", values, "FP32", False, True))
    refused(404, lambda: infer("none", "x", values, "FP32", True, True))


@case
def repository():
    names = {entry["name"]: entry["state"] for entry in client.get_model_repository_index()}
    assert names["scaler"] == "READY", names
    client.load_model("scaler")
    client.unload_model("bool")
    assert not client.is_model_ready("bool")
    client.load_model("bool")
    assert client.is_model_ready("bool")
    refused(404, lambda: client.load_model("none"))
    refused(400, lambda: client.load_model("scaler", config="{}"))


@case
def statistics():
    [found] = client.get_inference_statistics("scaler", "1")["model_stats"]
    assert found["inference_stats"]["success"]["count"] >= 20, found
    assert found["inference_stats"]["fail"]["count"] >= 2, found
    assert any(each["name"] == "int64" for each in client.get_inference_statistics()["model_stats"])


failed = 0
for each in cases:
    try:
        each()
    except Exception:
        failed += 1
        print(f"FAIL {each.__name__}")
        traceback.print_exc(file=sys.stdout)
print(f"{len(cases) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
