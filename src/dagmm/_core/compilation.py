"""How programs are compiled: one place for the options and the precision."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax

from dagmm._core.forks import check_process
from dagmm._core.program_cache import keep_programs
from dagmm._core.trees import blank_of, parts_of, tell_of_trees

_F = TypeVar("_F", bound=Callable[..., Any])

#: Most shapes that one program is kept compiled for. Each holds hundreds of memory areas, of which
#: Linux gives a process 65,530; where none is left, XLA crashes.
MOST_SHAPES = 64
#: Most programs that are kept of those that are made anew for each kind of network.
MOST_KEPT = 24


def compiled(function: _F, **jit_arguments: Any) -> _F:
    """``jax.jit`` with the settings that suit networks this small.

    On a CPU, XLA's thread pool costs more than it gains on matrices of this size; members and
    chunks of rows run side by side in threads instead. Matrix products keep full float32
    precision on every device, so that energies do not depend on where they are computed. What is
    compiled is kept on disk: see :mod:`dagmm._core.program_cache`.

    Raises
    ------
    ForkedProcessError
        If the process was forked from one that used JAX; so does each call of the program.
    """
    check_process()
    keep_programs()
    options = {"xla_cpu_multi_thread_eigen": False} if jax.default_backend() == "cpu" else {}

    def precise(*args: Any, **kwargs: Any) -> Any:
        with jax.default_matmul_precision("highest"):
            return function(*args, **kwargs)

    jitted = jax.jit(precise, compiler_options=options, **jit_arguments)
    return cast(_F, _Program(jitted))


class _Program:
    """A compiled function that is called only where JAX's threads are."""

    def __init__(self, jitted: Any) -> None:
        self.jitted = jitted

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_process()
        return self.jitted(*args, **kwargs)


def make_room(program: Callable[..., Any]) -> None:
    """Forget the shapes that a program was compiled for, if there are many.

    Parameters
    ----------
    program : callable
        One that :func:`compiled` returned. It is called before new shapes come, where threads
        that run side by side would not all have to compile it again.
    """
    jitted = cast(_Program, program).jitted
    if jitted._cache_size() >= MOST_SHAPES:  # it grows by one or two with each shape
        jitted.clear_cache()


def _register(cls: type) -> None:
    """Tell JAX which fields of a tree hold arrays."""
    names, static_names = parts_of(cls)

    def static_of(tree: Any) -> tuple[Any, ...]:
        return tuple(getattr(tree, name) for name in static_names)

    def flatten(tree: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(tree, name) for name in names], static_of(tree)

    def flatten_with_keys(tree: Any) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        keyed = [(jax.tree_util.GetAttrKey(name), getattr(tree, name)) for name in names]
        return keyed, static_of(tree)

    def unflatten(static: tuple[Any, ...], parts: Any) -> Any:
        made: Any = blank_of(cls)
        for name, part in zip((*names, *static_names), (*parts, *static), strict=True):
            object.__setattr__(made, name, part)
        return made

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


tell_of_trees(_register)
