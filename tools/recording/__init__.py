"""The parts of ``tools/record.py``: what is recorded, how it is written down, and the one place that knows the code's names."""
