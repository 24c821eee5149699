"""What people look at: plots, figures, one HTML page in English or Japanese."""
