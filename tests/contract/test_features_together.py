"""Reports and plots of models that see windows or images, each of which has files of its own."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import dagmm
from dagmm import ArgumentError, DAGMMDetector
from dagmm.data.convert import as_rows
from dagmm.inference.calibration.threshold import Threshold
from images import blobs, tiny_image_config
from reports import check_page, sensors, with_faults
from small_fits import tiny_window_config


@pytest.fixture(scope="module")
def windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
        detector = DAGMMDetector(n_members=1, contamination=0.02, time="when", window=4)
        return detector.fit(sensors())


@pytest.fixture(scope="module")
def images():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.image_config", tiny_image_config)
        return DAGMMDetector(n_members=1).fit(blobs(30))


def test_a_report_of_windows_says_what_windows_say(windows):
    table = with_faults(sensors(seed=1))
    energy = windows.energy(table)
    made = dagmm.make_report(windows, table, compare=False)
    found = made.contents
    assert found.n_alarms == (energy > windows.model_.threshold).sum() > 0
    explained = windows.explain(table)
    for one in found.strangest:
        row = one.event.peak_row
        assert one.event.peak_energy == energy[row]
        gap = explained.energy[row] - explained.reference_energy[row]
        assert one.event.peak_energy - one.reference_energy == pytest.approx(gap)
        assert all(reason.band is None for reason in one.reasons)
    # Nothing is claimed of rows by what is known of windows.
    assert {column.moved for column in found.columns if column.kind == "number"} == {"unknown"}
    assert {column.is_frozen for column in found.columns} == {None}
    # What was expected of a window is its mean, and stands beside that.
    for one in found.strangest:
        seen = windows.model_.reader().read(as_rows(table).chunk(0, len(table)), to_explain=True)
        means = windows.model_.decode(seen)
        for reason in one.reasons:
            if not isinstance(reason.value, str):
                assert reason.value == means[reason.column][one.event.peak_row]
    said = check_page(made.html).said
    assert "1 column was not compared with training." not in said
    assert "No column has moved" not in said
    assert "Not checked: whether sensors stood still that moved in training." in said
    assert "Each row gets an energy from itself and the 3 rows before it" in said
    assert "Each row is scored with the 3 rows before it." in said
    assert "Each row is scored by itself" not in said
    assert "Mean of the window" in said
    assert "All columns Column Holds" in said


def test_nothing_sounds_sound_beside_alarms_everywhere(windows):
    record = windows.model_.record
    learnt = replace(
        record.diagnostics[0],
        reconstruction_before=8.0,
        reconstruction_after=1.0,
        rank_correlation=0.5,
    )
    model = replace(windows.model_, record=replace(record, diagnostics=(learnt,)))
    loud = model.with_threshold(Threshold(-50.0, "a stated energy"))
    moved = sensors(seed=1).assign(tool="saw")
    made = dagmm.make_report(loud, moved, compare=False)
    assert made.contents.alarm_share > 0.9
    said = check_page(made.html).said
    assert "as far as that was checked" not in said
    assert "whether those are still what is normal, the many alarms leave open." in said


def test_plots_of_windows_see_the_rows_before(windows):
    table = with_faults(sensors(seed=1))
    explained = windows.explain(table)
    ax = dagmm.plot_explanation(windows, table, row=44, ax=Figure().subplots())
    bars = sum(bar.get_width() for bar in ax.patches)
    assert bars == pytest.approx(explained.energy[44] - explained.reference_energy[44])
    points = dagmm.plot_latent(windows, table, ax=Figure().subplots()).collections
    strange = windows.predict(table) == -1
    assert [len(part.get_offsets()) for part in points] == [(~strange).sum(), strange.sum()]


def test_images_have_energies_to_plot_and_no_report(images):
    assert dagmm.plot_energy(images, blobs(30), ax=Figure().subplots()).patches
    message = r"^the model was fitted on images of .*; this is for models of tables\.$"
    with pytest.raises(ArgumentError, match=message):
        dagmm.make_report(images, np.zeros((3, 4)))


def test_images_have_no_windows():
    with pytest.raises(ArgumentError, match=r"^time is about columns, and X holds images\.$"):
        DAGMMDetector(time="when", window=4).fit(blobs(30))
