import numpy as np

from dagmm.evaluation.baselines.paper_variants import Setting, dagmm_single, trained
from paper_space import draw, learnt_spaces
from small_tables import ARCHITECTURE, PLAN, correlated_rows


def test_every_method_has_its_space():
    x, setting = correlated_rows().astype(np.float64), Setting(ARCHITECTURE, PLAN)
    spaces = learnt_spaces(x, x[:20], 0, setting, 2)
    assert list(spaces) == ["DAGMM", "PAE", "DAGMM-p", "DCN"]
    for z in spaces.values():
        assert z.shape == (20, 4)
    energy = trained(x, 0, setting).density.mixture.energy(spaces["DAGMM"].T.astype(np.float64))
    np.testing.assert_allclose(energy, dagmm_single(x, 0, setting)(x[:20]), rtol=1e-3, atol=1e-3)


def test_the_figure_shows_each_row_by_its_class(tmp_path):
    path = tmp_path / "figures" / "space.svg"
    z = np.random.default_rng(0).normal(size=(30, 3))
    draw({"A": z, "B": z}, np.arange(30) < 10, "here", path)
    drawn = path.read_text()
    # Two methods, two panels each; Matplotlib's red and blue.
    assert drawn.count("fill: #d62728") == 4 * 10
    assert drawn.count("fill: #1f77b4") == 4 * 20
