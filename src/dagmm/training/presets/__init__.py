"""The defaults: structure and training as functions of the shape of the data."""
