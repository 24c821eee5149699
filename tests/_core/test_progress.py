"""Progress shows itself on a terminal's standard error, and nowhere else."""

import io
import sys

import pytest

from dagmm._core.progress import LineProgress, Progress, TerminalProgress, progress_for


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("verbose", "said"), [(0, ""), (1, "resuming [bold]\n")])
def test_where_there_is_no_terminal_only_what_has_to_be_said_is_shown(monkeypatch, verbose, said):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_for(verbose) as progress:
        progress.phase("training", 2)
        progress.say("resuming [bold]")
        progress.advance(1, "loss 3.2")
    assert type(progress) is (LineProgress if verbose else Progress)
    assert stream.getvalue() == said


@pytest.mark.parametrize(("verbose", "kind"), [(0, Progress), (1, TerminalProgress)])
def test_terminal_gets_a_bar_when_it_is_wanted(monkeypatch, verbose, kind):
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert type(progress_for(verbose)) is kind


def test_bar_goes_to_standard_error_only(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_for(1) as progress:
        progress.phase("training", 2)
        progress.advance(1, "loss 3.2")
        progress.say("resuming [bold]")
        progress.phase("mixture", 1)
    assert "resuming [bold]\n" in terminal.getvalue()
    assert "training" in terminal.getvalue()
    assert "mixture" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_bar_ends_when_a_run_fails(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    def run():
        with progress_for(1) as progress:
            progress.phase("training", 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
