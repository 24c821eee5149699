"""Where rows come from: arrays, frames, streams, images, files; in chunks, as often as asked."""
