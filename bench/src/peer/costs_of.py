"""Runs a Python script and prints, last, its processor time in ms and its peak resident memory in bytes.

usage: costs_of.py SCRIPT ARGUMENTS
"""
import resource
import runpy
import sys

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
used = resource.getrusage(resource.RUSAGE_SELF)
print(1000 * (used.ru_utime + used.ru_stime), used.ru_maxrss * 1024)
