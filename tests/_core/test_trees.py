import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dagmm._core import compilation
from dagmm._core.trees import leaves_of, static, tell_of_trees, tree, with_leaves


@tree
class Twig:
    """An array and a name."""

    leaf: np.ndarray
    name: str = static()


@tree
class Branch:
    """Twigs and an array."""

    twigs: tuple[Twig, ...]
    bark: np.ndarray


def a_branch():
    twigs = (Twig(np.array([1.0, 2.0]), "first"), Twig(np.array([[3.0]]), "second"))
    return Branch(twigs, np.array(4.0))


def test_leaves_have_the_paths_and_the_order_of_their_fields():
    leaves = dict(leaves_of(a_branch()))
    assert list(leaves) == ["twigs.0.leaf", "twigs.1.leaf", "bark"]
    np.testing.assert_array_equal(leaves["twigs.1.leaf"], [[3.0]])


def test_other_leaves_make_a_tree_of_the_same_form():
    arrays = [np.array([5.0]), np.array([6.0]), np.array([7.0])]
    made = with_leaves(a_branch(), iter(arrays))
    assert [leaf.item() for _, leaf in leaves_of(made)] == [5.0, 6.0, 7.0]
    assert [twig.name for twig in made.twigs] == ["first", "second"]


def test_trees_are_frozen():
    with pytest.raises(AttributeError):
        a_branch().bark = np.array(0.0)


def test_jax_takes_leaves_and_paths_as_they_are_here():
    assert compilation is not None, "it tells JAX of trees"
    found = jax.tree_util.tree_leaves_with_path(a_branch())
    paths = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in found]
    assert paths == [path for path, _ in leaves_of(a_branch())]
    doubled = jax.tree.map(lambda leaf: 2.0 * leaf, a_branch())
    assert isinstance(doubled, Branch)
    np.testing.assert_array_equal(doubled.twigs[0].leaf, [2.0, 4.0])
    assert doubled.twigs[1].name == "second"


def test_a_gradient_by_a_tree_is_a_tree():
    gradient = jax.grad(lambda b: (b.twigs[0].leaf ** 2).sum() + 3.0 * b.bark)(
        jax.tree.map(jnp.asarray, a_branch())
    )
    np.testing.assert_allclose(gradient.twigs[0].leaf, [2.0, 4.0])
    np.testing.assert_allclose(gradient.bark, 3.0)


def test_whoever_wants_to_know_is_told_of_what_there_is_and_of_what_comes():
    told = []
    tell_of_trees(told.append)
    assert {Twig, Branch} <= set(told)

    @tree
    class Late:
        leaf: np.ndarray

    assert told[-1] is Late
