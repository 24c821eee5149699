"""Checkpoints: a long training kept in a directory, so that it goes on where it was stopped.

``checkpoint.json`` says which training it is; ``member-0.safetensors`` and so on hold one member
each as it stood after some epoch, with everything that decides how it goes on. Each file is
written whole or not at all, so that a training may be killed at any moment. What is not kept
follows from the seed: the order of the batches is replayed, and what comes after training is
done again.
"""
