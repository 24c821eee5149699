"""The compression network of windows and images: strided convolutions with a dense head.

A convolution over patches is a matrix product, and is computed as one: on a CPU a training step
is then ten times as fast as with XLA's own convolutions, whose gradients are slow there.
"""

import math
from itertools import pairwise, product

from jaxtyping import Float

from dagmm._core.numerics import Array
from dagmm._core.trees import static, tree
from dagmm.networks.activations import Activation, activation_function
from dagmm.networks.compression import Compression
from dagmm.networks.dense import Dense, Initializer


@tree
class Halving:
    """Convolution with a kernel of 4 along each axis, moved by 2, with a border of 1.

    An axis of ``size`` comes out with ``halved(size)`` places.
    """

    weight: Float[Array, "n_filters n_inputs"]
    bias: Float[Array, " n_filters"]

    @classmethod
    def drawn(
        cls, n_channels: int, n_filters: int, n_axes: int, *, init: Initializer
    ) -> "Halving":
        """Draw a new layer.

        Parameters
        ----------
        n_channels, n_filters : int
            Channels that come in and go out.
        n_axes : int
            1 for windows, 2 for images.
        init : callable
            Draws the parameters.
        """
        return cls(init((n_filters, n_channels * 4**n_axes)), init((n_filters,)))

    def __call__(
        self, x: Float[Array, "n_channels *sizes n_rows"]
    ) -> Float[Array, "n_filters *halves n_rows"]:
        """Apply the layer to each row."""
        border = [(1, 1 + size % 2) for size in x.shape[1:-1]]
        blocks = _blocks(x.__array_namespace__().pad(x, [(0, 0), *border, (0, 0)]))
        return _mix(self.weight, _neighbours(blocks)) + _upright(self.bias, x.ndim)


@tree
class Doubling:
    """Transposed convolution: the mirror image of :class:`Halving`, back to its exact sizes."""

    weight: Float[Array, "n_outputs n_inputs"]
    bias: Float[Array, " n_channels"]

    @classmethod
    def drawn(
        cls, n_filters: int, n_channels: int, n_axes: int, *, init: Initializer
    ) -> "Doubling":
        """Draw a new layer.

        Parameters as of :class:`Halving`; ``n_filters`` come in and ``n_channels`` go out.
        """
        weight = init((n_channels * 2**n_axes, n_filters * 2**n_axes))
        return cls(weight, init((n_channels,)))

    def __call__(
        self, x: Float[Array, "n_filters *halves n_rows"], sizes: tuple[int, ...]
    ) -> Float[Array, "n_channels *sizes n_rows"]:
        """Apply the layer to each row; each of ``sizes`` is one that ``halved`` takes to x's."""
        padded = x.__array_namespace__().pad(x, [(0, 0), *[(1, 1)] * len(sizes), (0, 0)])
        whole = _unblocked(_mix(self.weight, _neighbours(padded)))
        inner = tuple(slice(1, 1 + size) for size in sizes)
        return whole[(slice(None), *inner)] + _upright(self.bias, x.ndim)


@tree
class ConvCompression(Compression):
    """Convolutions that halve each axis, a dense head that makes the code, and their mirror image.

    The head is what lets a mixture train: it sees a code of few numbers, however wide the map of
    the last convolution is. Code and output are linear.

    Parameters
    ----------
    encoder, decoder : tuple of layers
    to_code, from_code : Dense
    shape : tuple of int
        (n_steps, n_columns) of a window or (height, width, channels) of an image; an encoded row
        is such an array, flattened.
    activation : str or callable
    """

    encoder: tuple[Halving, ...]
    to_code: Dense
    from_code: Dense
    decoder: tuple[Doubling, ...]
    shape: tuple[int, ...] = static()
    activation: Activation = static()

    @classmethod
    def drawn(
        cls,
        shape: tuple[int, ...],
        hiddens: tuple[int, ...],
        activation: Activation,
        *,
        init: Initializer,
    ) -> "ConvCompression":
        """Draw a new network.

        Parameters
        ----------
        shape, activation
            As the class has them.
        hiddens : tuple of int
            Numbers of filters of the convolutions, each of which halves the axes, and last the
            width of the code.
        init : callable
            Draws the parameters.
        """
        n_axes, sizes = len(shape) - 1, shape[:-1]
        channels = (shape[-1], *hiddens[:-1])
        encoder = tuple(Halving.drawn(i, o, n_axes, init=init) for i, o in pairwise(channels))
        for _ in encoder:
            sizes = tuple(halved(size) for size in sizes)
        width = channels[-1] * math.prod(sizes)
        to_code = Dense.drawn(width, hiddens[-1], init=init)
        from_code = Dense.drawn(hiddens[-1], width, init=init)
        decoder = tuple(
            Doubling.drawn(i, o, n_axes, init=init) for i, o in pairwise(channels[::-1])
        )
        return cls(encoder, to_code, from_code, decoder, shape, activation)

    @property
    def _sizes(self) -> list[tuple[int, ...]]:
        """Sizes of the axes before the first convolution and after each."""
        sizes = [self.shape[:-1]]
        for _ in self.encoder:
            sizes.append(tuple(halved(size) for size in sizes[-1]))
        return sizes

    def encode(self, x: Float[Array, "n_features n_rows"]) -> Float[Array, "n_code n_rows"]:
        """Return the code z_c of each row."""
        function = activation_function(self.activation)
        maps = x.__array_namespace__().moveaxis(x.reshape(*self.shape, -1), -2, 0)
        for layer in self.encoder:
            maps = function(layer(maps))
        return self.to_code(maps.reshape(-1, x.shape[1]))

    def decode(self, code: Float[Array, "n_code n_rows"]) -> Float[Array, "n_features n_rows"]:
        """Return the row x_hat that each code stands for."""
        function = activation_function(self.activation)
        *larger, smallest = self._sizes
        maps = self.from_code(code).reshape(-1, *smallest, code.shape[1])
        for layer, sizes in zip(self.decoder, reversed(larger), strict=True):
            maps = layer(function(maps), sizes)
        return maps.__array_namespace__().moveaxis(maps, 0, -2).reshape(-1, code.shape[1])


def halved(size: int) -> int:
    """Return the length of an axis after a convolution."""
    return -(-size // 2)


def _mix(
    weight: Float[Array, "n_outputs n_inputs"], x: Float[Array, "n_inputs *sizes n_rows"]
) -> Float[Array, "n_outputs *sizes n_rows"]:
    """Mix the channels of each place."""
    return (weight @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:])


def _neighbours(x: Float[Array, "n_channels *sizes n_rows"]) -> Float[Array, "..."]:
    """Stack each place and those after it, two along each axis, as channels of one place."""
    places = product((0, 1), repeat=x.ndim - 2)
    ranges = ([slice(i, i - 1 or None) for i in place] for place in places)
    return x.__array_namespace__().concatenate([x[(slice(None), *part)] for part in ranges])


def _blocks(x: Float[Array, "n_channels *sizes n_rows"]) -> Float[Array, "..."]:
    """Make the two places along each axis channels of one place; sizes are even."""
    n_axes = x.ndim - 2
    halves = [size // 2 for size in x.shape[1:-1]]
    split = x.reshape(len(x), *(part for half in halves for part in (half, 2)), x.shape[-1])
    inner = range(2, 2 * n_axes + 1, 2)
    moved = split.transpose(0, *inner, *(i - 1 for i in inner), 2 * n_axes + 1)
    return moved.reshape(-1, *halves, x.shape[-1])


def _unblocked(x: Float[Array, "n_inputs *sizes n_rows"]) -> Float[Array, "..."]:
    """Undo :func:`_blocks`."""
    n_axes = x.ndim - 2
    split = x.reshape(-1, *[2] * n_axes, *x.shape[1:])
    pairs = (axis for i in range(1, n_axes + 1) for axis in (i + n_axes, i))
    moved = split.transpose(0, *pairs, 2 * n_axes + 1)
    return moved.reshape(len(moved), *(2 * size for size in x.shape[1:-1]), x.shape[-1])


def _upright(bias: Float[Array, " n_channels"], n_dims: int) -> Float[Array, "..."]:
    """Stand a bias along the first of many axes."""
    return bias.reshape(-1, *[1] * (n_dims - 1))
