"""Filters made by hand, on photographs: edges, low and high pass, a colour, eight orientations; and one filter learned.

Slides: 001 «¿Qué es una convolución?», 001 «Filtrado paso alto / paso bajo», 002 «Inspiradas en el sistema visual
        humano», 002 «Aprendizaje».
Paper:  Hubel & Wiesel (1959), Receptive fields of single neurones in the cat's striate cortex,
        https://doi.org/10.1113/jphysiol.1959.sp006308
A convolution is whatever its weights make it. Here they are chosen; but gradient descent, shown only what goes into the
edge mask and what comes out, finds its nine weights again: fast from noise, slowly from a photograph unless its mean
brightness is taken away first.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

EDGES = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], "float32")
ORANGE = (1.0, 0.65, 0.4)
ANGLES = np.arange(
    0, 180, 22.5
)  # of the stripes that the eight Gabor filters look for; 0 is horizontal


def photograph(name):
    """One of scikit-learn's two photographs, "china" or "flower": (427, 640, 3), from 0 to 1."""
    return (load_sample_image(f"{name}.jpg") / 255).astype("float32")


def convolve(image, kernel):
    """One map (H, W) from an image (H, W) or (H, W, C) and a filter (F, F) or (F, F, C). The border is cut off."""
    image, kernel = (x if x.ndim == 3 else x[:, :, None] for x in (image, kernel))
    maps = keras.ops.conv(image[None], kernel[:, :, :, None], padding="valid")
    return keras.ops.convert_to_numpy(maps)[0, :, :, 0]


def low_pass(size=15, width=2.5):
    """A bell whose weights add up to 1: every pixel becomes a mean of its surroundings."""
    x = np.arange(size) - size // 2
    bell = np.exp(-(x**2) / (2 * width**2))
    return (np.outer(bell, bell) / bell.sum() ** 2).astype("float32")


def high_pass(size=15, width=2.5):
    """What the low pass takes away: the pixel itself less the mean of its surroundings. The weights add up to 0."""
    kernel = -low_pass(size, width)
    kernel[size // 2, size // 2] += 1
    return kernel


def colour_filter(colour):
    """A 1 × 1 × 3 filter for red, green and blue in given shares; any grey gives 0."""
    weights = np.subtract(colour, np.mean(colour))
    return (weights / np.linalg.norm(weights)).reshape(1, 1, 3).astype("float32")


def stripes(angle, wavelength, size, phase=0.0):
    """A (size, size) image of waves whose crests lie at an angle, in degrees, to the horizontal."""
    y, x = np.mgrid[:size, :size] - size // 2
    across = x * np.sin(np.deg2rad(angle)) + y * np.cos(np.deg2rad(angle))
    return np.cos(2 * np.pi * across / wavelength + phase).astype("float32")


def gabor(angle, wavelength=6, size=17, phase=0.0):
    """Stripes under a bell: a receptive field as Hubel and Wiesel found them. Even light gives 0."""
    bell = low_pass(size, size / 5)
    return bell * (
        stripes(angle, wavelength, size, phase)
        - np.sum(bell * stripes(angle, wavelength, size, phase))
    )


def energy(image, angle):
    """Answer to stripes at an angle, wherever in its wave a pixel lies: two filters a quarter of a wave apart."""
    return np.hypot(convolve(image, gabor(angle)), convolve(image, gabor(angle, phase=np.pi / 2)))


def tuning_curve(preferred, angles):
    """Mean answer of the filter pair for one orientation to stripes at others."""
    return np.array(
        [energy(stripes(angle, wavelength=6, size=65), preferred).mean() for angle in angles]
    )


def learn_a_kernel(image, hidden, steps=200):
    """A 3 × 3 convolution trained on nothing but the hidden filter's input and output: its kernel after each step."""
    target = convolve(image, hidden)[None, :, :, None]
    model = keras.Sequential(
        [keras.Input((None, None, 1)), keras.layers.Conv2D(1, 3, use_bias=False)]
    )
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.5, steps)), loss="mse"
    )
    kernels = [model.get_weights()[0][:, :, 0, 0]]
    for _ in range(steps):
        model.train_on_batch(image[None, :, :, None], target)
        kernels.append(model.get_weights()[0][:, :, 0, 0])
    return np.array(kernels)


def show(axis, image, title, signed=False):
    """A picture; with `signed`, zero is white, and what is above and below has a colour each."""
    limit = np.quantile(np.abs(image), 0.99)
    axis.imshow(
        image, cmap="PuOr_r" if signed else "gray", vmin=-limit if signed else 0, vmax=limit
    )
    axis.set_title(title)
    axis.axis("off")


def figures():
    """The filters on a temple; the flower by its colour and by its contours; tuning curves; the learned mask."""
    china, flower = photograph("china"), photograph("flower")
    grey = china.mean(axis=2)
    classic, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    show(axes[0, 0], grey, "Photograph")
    show(axes[0, 1], convolve(grey, EDGES), "−1 … 8 … −1 answers at edges, both ways", signed=True)
    show(axes[1, 0], convolve(grey, low_pass()), "Low pass: the details are gone")
    show(axes[1, 1], convolve(grey, high_pass()), "High pass: the details are left", signed=True)

    colour, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    show(axes[0], flower, "Photograph")
    show(
        axes[1],
        convolve(flower, colour_filter(ORANGE)),
        "Three weights find what is orange",
        signed=True,
    )

    orientations, axes = plt.subplots(
        2, 4, figsize=(10, 4.6), height_ratios=(1, 1.6), layout="constrained"
    )
    for column, angle in enumerate(ANGLES[::2]):
        show(axes[0, column], gabor(angle), f"{angle:.0f}°", signed=True)
        show(axes[1, column], energy(flower.mean(axis=2), angle), "")
    orientations.suptitle("Each filter finds the contours that run its way")

    tuning, axis = plt.subplots(layout="constrained")
    angles = np.arange(0, 181, 5)
    for angle in ANGLES[::2]:
        axis.plot(angles, tuning_curve(angle, angles), label=f"filter for {angle:.0f}°")
    axis.set(
        xlabel="orientation of the stripes shown (degrees)",
        ylabel="answer",
        xticks=range(0, 181, 45),
        ylim=(0, 0.6),
    )
    axis.set_title("Every filter has one orientation that it prefers")
    axis.legend(loc="upper center", ncols=4)

    learned, axis = plt.subplots(layout="constrained")
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")
    roofs = grey[100:228, 100:228]
    for name, image in {
        "photograph": roofs,
        "photograph less its mean": roofs - roofs.mean(),
        "noise": noise,
    }.items():
        axis.semilogy(np.abs(learn_a_kernel(image, EDGES) - EDGES).max(axis=(1, 2)), label=name)
    axis.set(xlabel="training step", ylabel="largest error of the nine weights")
    axis.set_title("From what goes in and what comes out, gradient descent finds the edge mask")
    axis.legend()
    return {
        "classic": classic,
        "colour": colour,
        "orientations": orientations,
        "tuning": tuning,
        "learned": learned,
    }


def main():
    grey, flower = photograph("china").mean(axis=2), photograph("flower")
    even = convolve(np.full((9, 9), 0.5, "float32"), EDGES)
    print(
        f"Edge mask: its weights add up to {EDGES.sum():.0f}; where light is even it answers {even.max():.0f}"
    )
    for name, image in {
        "photo": grey,
        "low": convolve(grey, low_pass()),
        "high": convolve(grey, high_pass()),
    }.items():
        print(f"{name:>6}: mean {image.mean():7.4f}, variance {image.var():.4f}")
    orange = convolve(flower, colour_filter(ORANGE))
    print(
        f"Orange filter: {orange[200:250, 280:330].mean():.2f} on the flower, {orange[:80, :80].mean():.2f} beside it"
    )
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype("float32")
    print(f"Edge mask learned from noise:\n{learn_a_kernel(noise, EDGES)[-1].round(2)}")
    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
