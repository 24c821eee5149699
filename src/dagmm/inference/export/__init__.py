"""A fitted model as one ONNX graph: recorded from the formulas that score, and checked."""
