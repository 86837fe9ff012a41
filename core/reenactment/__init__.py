"""A performance on a photo: the photo's pixels, and the files that come of it."""
