"""Synthetic textures, such as brush strokes and a mosaic, as style images for style transfer."""

import numpy as np
import scipy.ndimage
import scipy.spatial

NIGHT = [(20, 30, 80), (40, 80, 160), (110, 160, 210), (240, 210, 90), (250, 245, 200)]
TILES = [(200, 60, 40), (230, 170, 60), (60, 120, 110), (40, 50, 90), (235, 225, 200)]
GROUT = 30  # gray value between the tiles


def brush_strokes(height, width, seed=0, length=14):
    """Short strokes of thick paint that swirl.

    Noise of a few colors is smeared along the lines of a smooth direction field (line integral
    convolution: Cabral & Leedom, 1993, https://doi.org/10.1145/166117.166151).

    Args:
        height, width: In pixels.
        seed: Of the noise and of the directions.
        length: Length of half a stroke, in pixels.

    Returns:
        Array (height, width, 3), float32 from 0 to 255.
    """
    rng = np.random.default_rng(seed)
    angles = smooth_noise(rng, height, width, sigma=24) * np.pi
    # Large dark and light areas, with strokes of similar colors in them.
    area = smooth_noise(rng, height, width, sigma=40)
    grain = scipy.ndimage.gaussian_filter(rng.normal(size=(height, width)), 1.2)
    tone = smeared(area + 0.8 * grain / grain.std(), angles, length)
    tone = tone.argsort(axis=None).argsort().reshape(tone.shape) / tone.size  # evenly from 0 to 1
    colors = np.array(NIGHT, "float32")
    known = np.linspace(0, 1, len(colors))
    image = np.stack([np.interp(tone, known, channel) for channel in colors.T], axis=-1)
    # Shade the relief of the paint as if lit from the left.
    relief = scipy.ndimage.sobel(tone, axis=1)
    return np.clip(image + 60 * relief[..., None], 0, 255).astype("float32")


def smooth_noise(rng, height, width, sigma):
    """Noise (height, width) smoothed over `sigma` pixels, with a standard deviation of 1."""
    noise = scipy.ndimage.gaussian_filter(rng.normal(size=(height, width)), sigma, mode="wrap")
    return (noise - noise.mean()) / noise.std()


def smeared(values, angles, length):
    """The mean of values (height, width) along the lines of a direction field, both ways."""
    start = np.mgrid[: values.shape[0], : values.shape[1]].astype(float)
    total = values.copy()
    for sign in (1, -1):
        places = start.copy()
        for _ in range(length):
            direction = scipy.ndimage.map_coordinates(angles, places, order=0, mode="nearest")
            places += sign * np.stack([np.sin(direction), np.cos(direction)])
            total += scipy.ndimage.map_coordinates(values, places, order=1, mode="nearest")
    return total / (2 * length + 1)


def mosaic(height, width, seed=0, size=14):
    """Draw a mosaic of stone tiles: the Voronoi cells of random points.

    Args:
        height, width: In pixels.
        seed: Of points and colors.
        size: Approximate width of a tile, in pixels.

    Returns:
        Array (height, width, 3), float32 from 0 to 255.
    """
    rng = np.random.default_rng(seed)
    count = height * width // size**2
    points = rng.uniform((0, 0), (height, width), (count, 2))
    places = np.stack(np.mgrid[:height, :width], axis=-1).reshape(-1, 2)
    distances, owners = scipy.spatial.cKDTree(points).query(places, k=2)
    tiles = np.array(TILES)[rng.integers(len(TILES), size=count)] + rng.normal(0, 15, (count, 3))
    image = tiles[owners[:, 0]]
    image[distances[:, 1] - distances[:, 0] < 2] = GROUT
    return np.clip(image, 0, 255).reshape(height, width, 3).astype("float32")
