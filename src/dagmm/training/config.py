"""Everything that is decided before a fit begins, and what a user may change of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import Any

from dagmm._core.arguments import check_choice, check_int, check_number, check_sizes
from dagmm._core.errors import ArgumentError
from dagmm._core.wording import is_option, named
from dagmm.mixture.density import DensityConfig, known_densities
from dagmm.networks.activations import resolve_activation
from dagmm.networks.network import Architecture
from dagmm.networks.residual import RESIDUALS
from dagmm.preprocessing.row_views import View
from dagmm.training.schedule import TrainingConfig


@dataclass(frozen=True)
class DetectorConfig:
    """Everything that is decided before a fit begins.

    Parameters
    ----------
    architectures : tuple of Architecture
        One for each network.
    training : TrainingConfig
    latent_densities : tuple of tuple of DensityConfig
        Of each network's z.
    input_densities : tuple of DensityConfig
        Of the encoded rows.
    views : tuple of {"values", "normal_scores"}
        As what each network sees encoded rows; "values" for all by default.
    trim : float
        Share of the rows, the strangest, that joint densities are not fitted to.
    """

    architectures: tuple[Architecture, ...]
    training: TrainingConfig
    latent_densities: tuple[tuple[DensityConfig, ...], ...]
    input_densities: tuple[DensityConfig, ...] = ()
    views: tuple[View, ...] = ()
    trim: float = 0.0

    def view_of(self, i: int) -> View:
        """Return as what a network sees encoded rows."""
        return self.views[i] if self.views else "values"


@dataclass(frozen=True)
class ConfigOptions:
    """What a user wants otherwise than a preset has it.

    Parameters
    ----------
    architecture, training : dict
        By the names of :class:`Architecture` and :class:`TrainingConfig`.
    densities : dict of str to dict, or None
        The densities that are kept, by their names, with what is otherwise about each; None for
        all.
    trim : float or None
    """

    architecture: Mapping[str, Any]
    training: Mapping[str, Any]
    densities: Mapping[str, Mapping[str, Any]] | None = None
    trim: float | None = None

    @classmethod
    def of(cls, config: object) -> "ConfigOptions":
        """Check what a user says.

        Parameters
        ----------
        config : mapping of str, or None
            Names of :data:`OPTIONS` with their values.

        Raises
        ------
        ArgumentError
            Naming what is not known or cannot be used, and what is expected.
        """
        if config is None:
            return cls({}, {})
        if not isinstance(config, Mapping):
            raise ArgumentError(f"config must be a dict of options, got {config!r}.")
        for name in config:
            check_choice("an option of config", name, OPTIONS)
        architecture, training = (
            {
                name: check(called(name), config[name])
                for name, check in checks.items()
                if name in config
            }
            for checks in (_ARCHITECTURE, _TRAINING)
        )
        densities, trim = config.get("densities"), config.get("trim")
        return cls(
            architecture,
            training,
            None if densities is None else _densities(densities),
            None if trim is None else check_number(called("trim"), trim, 0.0, 0.5),
        )

    def apply(self, config: DetectorConfig, n_rows: int) -> DetectorConfig:
        """Return a config with these options.

        Parameters
        ----------
        config : DetectorConfig
        n_rows : int
            Rows that the network with the fewest is fitted to: a minibatch has no more.

        Raises
        ------
        ArgumentError
            If no density of a network's z is left.
        """
        training = replace(config.training, **self.training)
        training = replace(training, batch_size=min(training.batch_size, n_rows))
        latent = tuple(self._kept(densities) for densities in config.latent_densities)
        if not all(latent):
            found = sorted({one.density.kind for one in config.latent_densities[0]})
            raise ArgumentError(
                "config['densities'] must keep a density of the networks' z, of which there "
                f"{'is' if len(found) == 1 else 'are'} {', '.join(map(repr, found))}."
            )
        return replace(
            config,
            architectures=tuple(replace(one, **self.architecture) for one in config.architectures),
            training=training,
            latent_densities=latent,
            input_densities=self._kept(config.input_densities),
            trim=config.trim if self.trim is None else self.trim,
        )

    def _kept(self, densities: tuple[DensityConfig, ...]) -> tuple[DensityConfig, ...]:
        if self.densities is None:
            return densities
        return tuple(
            replace(one, options={**one.options, **self.densities[one.density.kind]})
            for one in densities
            if one.density.kind in self.densities
        )


def _densities(value: object) -> dict[str, dict[str, Any]]:
    """Check which densities are kept, and their options."""
    if isinstance(value, Mapping):
        wanted = {name: options or {} for name, options in value.items()}
    elif isinstance(value, list | tuple):
        wanted = {name: {} for name in value}
    else:
        raise ArgumentError(
            "config['densities'] must be a list of names, or a dict of names and options, got "
            f"{value!r}."
        )
    known = known_densities()
    for name, options in wanted.items():
        check_choice("a density of config", name, tuple(known))
        if not isinstance(options, Mapping):
            raise ArgumentError(
                f"config['densities'][{name!r}] must be a dict of options, got {options!r}."
            )
        parameters = signature(known[name].fit).parameters.values()
        names = [one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY]
        for option in options:
            if option not in names:
                raise ArgumentError(
                    f"config['densities'][{name!r}] has no option {option!r}; it has "
                    f"{', '.join(map(repr, names)) or 'none'}."
                )
    return {name: dict(options) for name, options in wanted.items()}


def called(name: str) -> str:
    """Return what a message calls an option of config: ``config['trim']``, or ``--trim``."""
    return named(name) if is_option(name) else f"config[{name!r}]"


def _share(name: str, value: object) -> float:
    return check_number(name, value, 0.0, 1.0)


def _residuals(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise ArgumentError(f"{name} must be a list of {', '.join(RESIDUALS)}, got {value!r}.")
    return tuple(str(check_choice(name, one, tuple(RESIDUALS))) for one in value)


_Check = Callable[[str, Any], Any]
_ARCHITECTURE: dict[str, _Check] = {
    "comp_hiddens": check_sizes,
    "comp_activation": resolve_activation,
    "est_hiddens": check_sizes,
    "est_activation": resolve_activation,
    "est_dropout_ratio": _share,
    "residuals": _residuals,
    "mask_ratio": _share,
}
_TRAINING: dict[str, _Check] = {
    "batch_size": lambda name, value: check_int(name, value, 1),
    "epochs": lambda name, value: check_int(name, value, 1),
    "steps_per_epoch": lambda name, value: check_int(name, value, 1),
    "learning_rate": lambda name, value: check_number(name, value, 0.0, above=True),
    "lambda1": lambda name, value: check_number(name, value, 0.0),
    "lambda2": lambda name, value: check_number(name, value, 0.0),
    "cosine_decay": lambda name, value: bool(check_choice(name, value, (True, False))),
    "warm_up": lambda name, value: _share(name, value),
    "reconstruction_weight": lambda name, value: check_number(name, value, 0.0),
    "cycles": lambda name, value: check_int(name, value, 1),
    "max_seconds": lambda name, value: check_number(name, value, 0.0, above=True),
}
#: What may be changed.
OPTIONS = (*_ARCHITECTURE, *_TRAINING, "densities", "trim")
