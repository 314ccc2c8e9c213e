"""The peers of `compress-peers`: each makes a small ONNX model of the same network from the same images.

usage: compress_further.py PEER TASK.json
  PEER  a row of `peers` below
  TASK  model, output: paths; calibration, selection, training: images (see task.py); seed; threads; epochs;
        reduceRange: whether 8-bit sums can overflow on this processor, so that
        weights keep to 7 bits; options: what the row alone reads

Says one line of JSON last: path, seconds and processorSeconds (of the work, without the start of Python and
the import of packages), packages with their versions.

Written against, none of it shipped with Cupel: onnxruntime 1.30 (MIT), onnx 1.23 (Apache-2.0), sympy 1.14
(BSD-3-Clause), nncf 3.4 with openvino 2026.4 (Apache-2.0), torch 2.13 (BSD-3-Clause) and torch-pruning 1.6 (MIT).
PyPI's torch for Linux is built for CUDA and does not load without its libraries, nor does nncf without torch:
5 GB are installed for processors alone.
"""
import importlib
import importlib.metadata
import json
import os
import sys
import time

# Name: the file beside this one, its function, and the packages that are asked for their versions.
peers = {
    "onnxruntime": ("onnxruntime_peer", "quantise", ["onnxruntime", "onnx"]),
    "nncf": ("nncf_peer", "quantise", ["nncf", "onnxruntime"]),
    "nncf-accuracy": ("nncf_peer", "quantise_with_accuracy_control", ["nncf", "onnxruntime"]),
    "torch": ("torch_peer", "prune_and_train", ["torch", "torch-pruning"]),
}


def keep_to(threads):
    """Some of these packages take all cores whatever they are told."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def main():
    peer, path = sys.argv[1:]
    with open(path) as file:
        task = json.load(file)
    keep_to(task["threads"])
    module, function, packages = peers[peer]
    work = getattr(importlib.import_module(module), function)
    started, used = time.monotonic(), time.process_time()
    facts = work(task) or {}
    said = {
        "path": task["output"],
        "seconds": time.monotonic() - started,
        "processorSeconds": time.process_time() - used,
        "packages": {name: importlib.metadata.version(name) for name in packages},
        **facts,
    }
    print(json.dumps(said))


main()
