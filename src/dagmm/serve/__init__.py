"""A saved model behind HTTP: the Open Inference Protocol, plain tables, metrics and a page."""
