"""Convolutions against SciPy's in float64, and what every size of window and image must keep."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from dagmm.networks.convolutional import Doubling, Halving, halved
from dagmm.networks.dense import glorot
from dagmm.networks.network import Architecture, flatten

WINDOWS = st.tuples(st.integers(2, 40), st.integers(1, 4))
IMAGES = st.tuples(st.integers(2, 20), st.integers(2, 20), st.sampled_from([1, 3]))


def an_architecture(shape, hiddens=(3, 4, 2), activation="tanh", **others):
    return Architecture(
        math.prod(shape), hiddens, activation, (4, 2), "tanh", 0.0, shape=shape, **others
    )


def drawn(architecture, seed=0):
    parameters = flatten(architecture.build(np.random.default_rng(seed)))
    # Biases begin at zero; here they count.
    return parameters + np.random.default_rng(1).normal(0.0, 0.1, parameters.shape).astype("f")


def as_rows(shape, n_rows, seed=2):
    return np.random.default_rng(seed).normal(size=(n_rows, *shape)).astype(np.float32)


def kernel_of(weight, n_axes):
    """Weights of a halving layer as (n_filters, n_channels, 4, ...)."""
    # An input is named by which neighbour, which channel and which place in the block.
    parts = weight.reshape(len(weight), *[2] * n_axes, -1, *[2] * n_axes)
    axes = [axis for i in range(n_axes) for axis in (1 + i, 2 + n_axes + i)]
    parts = parts.transpose(0, 1 + n_axes, *axes)
    return parts.reshape(len(weight), -1, *[4] * n_axes)


def halve(weight, bias, image):
    """One image, channels first, through a convolution of SciPy's."""
    n_axes = image.ndim - 1
    kernel = kernel_of(np.asarray(weight, np.float64), n_axes)
    padded = np.pad(image.astype(np.float64), [(0, 0), *[(1, 2)] * n_axes])
    every_other = tuple(slice(0, 2 * halved(size), 2) for size in image.shape[1:])
    maps = [
        sum(correlate(c, k, "valid") for c, k in zip(padded, one, strict=True)) for one in kernel
    ]
    found = np.stack([one[tuple(slice(0, None) for _ in every_other)] for one in maps])
    return found[(slice(None), *every_other)] + np.asarray(bias).reshape(-1, *[1] * n_axes)


@pytest.mark.parametrize(
    ("sizes", "n_channels"), [((1,), 3), ((2,), 1), ((7,), 2), ((1, 2), 2), ((9, 12), 3)], ids=str
)
def test_a_halving_layer_is_a_strided_convolution(sizes, n_channels):
    layer = Halving.drawn(n_channels, 5, len(sizes), init=glorot(np.random.default_rng(0)))
    bias = np.arange(5, dtype=np.float32)
    x = np.random.default_rng(1).normal(size=(n_channels, *sizes, 4)).astype(np.float32)
    layer = replace(layer, bias=bias)
    out = np.asarray(jax.jit(lambda maps: layer(maps))(x))
    assert out.shape == (5, *(math.ceil(size / 2) for size in sizes), 4)
    for i in range(4):
        np.testing.assert_allclose(
            out[..., i], halve(layer.weight, bias, x[..., i]), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("sizes", [(1,), (2,), (7,), (1, 2), (9, 12)], ids=str)
def test_a_doubling_layer_is_the_transpose_of_a_halving_one(sizes):
    # <halve(x), y> = <x, double(y)> where the weights of one are those of the other, mirrored.
    n_axes, n_channels, n_filters = len(sizes), 3, 5
    init = glorot(np.random.default_rng(0))
    halving = Halving.drawn(n_channels, n_filters, n_axes, init=init)
    doubling = Doubling.drawn(n_filters, n_channels, n_axes, init=init)
    parts = halving.weight.reshape(n_filters, *[2] * n_axes, n_channels, *[2] * n_axes)
    mirrored = np.flip(parts, axis=tuple(range(1, 1 + n_axes)))
    places, inner = range(1, 1 + n_axes), range(2 + n_axes, 2 + 2 * n_axes)
    weight = mirrored.transpose(1 + n_axes, *inner, *places, 0).reshape(doubling.weight.shape)
    doubling = replace(doubling, weight=weight)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n_channels, *sizes, 1)).astype(np.float32)
    y = rng.normal(size=(n_filters, *map(halved, sizes), 1)).astype(np.float32)
    there = (np.asarray(jax.jit(lambda maps: halving(maps))(x), np.float64) * y).sum()
    back = (np.asarray(jax.jit(lambda maps: doubling(maps, sizes))(y), np.float64) * x).sum()
    assert there == pytest.approx(back, rel=1e-4, abs=1e-4)


@settings(deadline=None)
@given(
    shape=st.one_of(WINDOWS, IMAGES),
    filters=st.lists(st.integers(1, 64), max_size=5),
    n_code=st.integers(1, 64),
    n_rows=st.integers(1, 300),
)
def test_any_size_comes_back_as_it_was(shape, filters, n_code, n_rows):
    architecture = an_architecture(shape, (*filters, n_code))
    network = architecture.skeleton()
    x = jax.ShapeDtypeStruct((math.prod(shape), n_rows), np.float32)
    code = jax.eval_shape(network.compression.encode, x)
    assert code.shape == (n_code, n_rows)
    assert jax.eval_shape(network.compression.decode, code).shape == x.shape
    z, _ = jax.eval_shape(network.latent, x)
    assert z.shape == (architecture.n_latent, n_rows)


@pytest.mark.parametrize("shape", [(9, 3), (9, 11, 3)], ids=str)
def test_a_row_goes_the_same_way_alone_and_among_others(shape):
    architecture = an_architecture(shape)
    network = architecture.unflatten(jnp.asarray(drawn(architecture))).compression
    x = as_rows(shape, 7)
    together = network.encode(jnp.asarray(x.reshape(7, -1).T))
    for i, row in enumerate(x):
        alone = network.encode(jnp.asarray(row.reshape(-1, 1)))
        np.testing.assert_allclose(together[:, i : i + 1], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(9, 3), (9, 10, 3)], ids=str)
def test_the_code_is_that_of_the_layers_one_after_the_other(shape):
    architecture = an_architecture(shape)
    named = architecture.named(drawn(architecture))
    network = architecture.unflatten(jnp.asarray(drawn(architecture))).compression
    x = as_rows(shape, 3)
    code = network.encode(jnp.asarray(x.reshape(3, -1).T))
    for i, row in enumerate(x):
        maps = np.moveaxis(row, -1, 0)
        for layer in range(2):
            name = f"compression.encoder.{layer}"
            maps = np.tanh(halve(named[f"{name}.weight"], named[f"{name}.bias"], maps))
        expected = (
            named["compression.to_code.weight"].astype(np.float64) @ maps.ravel()
            + named["compression.to_code.bias"]
        )
        np.testing.assert_allclose(code[:, i], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3), (16, 2), (16, 17, 2)], ids=str)
def test_the_gradient_reaches_every_parameter(shape):
    architecture = an_architecture(shape)
    x = as_rows(shape, 6).reshape(6, -1).T

    def loss(parameters):
        compression = architecture.unflatten(parameters).compression
        return ((compression.decode(compression.encode(x)) - x) ** 2).sum()

    slope = architecture.named(np.asarray(jax.jit(jax.grad(loss))(drawn(architecture))))
    for name, part in slope.items():
        assert np.isfinite(part).all(), name
        # Single taps may only ever see the border of a tiny map.
        reached = part != 0.0
        assert name.startswith("estimation") or reached.any(), name
        assert name.startswith("estimation") or len(x) < 32 or reached.all(), name


def test_shapes_of_all_parameters_by_path():
    shapes = an_architecture((9, 8, 3), (4, 6, 2)).shapes()
    assert {k: v for k, v in shapes.items() if k.startswith("compression")} == {
        "compression.encoder.0.weight": (4, 48),
        "compression.encoder.0.bias": (4,),
        "compression.encoder.1.weight": (6, 64),
        "compression.encoder.1.bias": (6,),
        "compression.to_code.weight": (2, 36),
        "compression.to_code.bias": (2,),
        "compression.from_code.weight": (36, 2),
        "compression.from_code.bias": (36,),
        "compression.decoder.0.weight": (16, 24),
        "compression.decoder.0.bias": (4,),
        "compression.decoder.1.weight": (12, 16),
        "compression.decoder.1.bias": (3,),
    }
