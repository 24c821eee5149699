"""From columns to float32 features and back: encoder, windows, feature reader, row samples."""
