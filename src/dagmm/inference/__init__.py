"""What a fitted model can do: energy, threshold, explanation, streams, saving and loading."""
