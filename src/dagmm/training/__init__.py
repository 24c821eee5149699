"""From rows to a fitted model: objective, trainer, checkpoint, splits, presets, the fit."""
