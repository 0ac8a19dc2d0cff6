"""The deterministic core, in a restricted subset of Python that CPython runs and Numba compiles.

The subset: functions of integers and of tables of int64; no objects, no strings, no floats, no
closures, no exceptions caught. CPython is handed memory views of the tables (their elements are
Python ints: exact, and refused when they do not fit 64 bits); Numba is handed the same tables as
arrays. Equal digests of both are the proof that they are the same program.
"""
