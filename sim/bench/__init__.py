"""The cocotb bench: drives a generated pipeline and writes down what comes out.

Runs inside the simulator's process, with the standard library and cocotb alone; nothing imports it.
The caller writes a *plan* folder (``plan.py``), and finds the *record* in the same folder (``record.py``).
"""
