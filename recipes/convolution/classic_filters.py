"""Classic image filters on photographs: edge mask, low and high pass, color, Gabor; one learned.

Slides: 001 «¿Qué es una convolución?», 001 «Filtrado paso alto / paso bajo»,
        002 «Inspiradas en el sistema visual humano», 002 «Aprendizaje».
Paper:  Hubel & Wiesel (1959), Receptive fields of single neurones in the cat's striate cortex,
        https://doi.org/10.1113/jphysiol.1959.sp006308
The weights of a convolution decide what it does. Here they are chosen by hand. Given only input and
output of the edge mask, gradient descent recovers its nine weights: quickly from noise, slowly from
a photograph unless its mean brightness is subtracted first.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from recipes.common import plots

EDGES = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], "float32")
ORANGE = (1.0, 0.65, 0.4)  # red, green and blue
ANGLES = np.arange(0, 180, 22.5)  # of the eight Gabor filters, in degrees; 0 is horizontal


def photograph(name):
    """One of scikit-learn's two photographs, "china" or "flower": (427, 640, 3), from 0 to 1."""
    return (load_sample_image(f"{name}.jpg") / 255).astype("float32")


def convolve(image, kernel):
    """Convolution of an image with one kernel, without padding.

    Args:
        image: Array (H, W) or (H, W, C).
        kernel: Array (F, F) or (F, F, C).

    Returns:
        Array (H − F + 1, W − F + 1).
    """
    if image.ndim == 2:
        image = image[:, :, None]
    if kernel.ndim == 2:
        kernel = kernel[:, :, None]
    maps = keras.ops.conv(image[None], kernel[:, :, :, None], padding="valid")  # (1, H', W', 1)
    return keras.ops.convert_to_numpy(maps)[0, :, :, 0]


def low_pass(size=15, sigma=2.5):
    """A Gaussian kernel (size, size) with sum 1, for a weighted mean of each neighborhood."""
    x = np.arange(size) - size // 2
    gaussian = np.exp(-(x**2) / (2 * sigma**2))
    return (np.outer(gaussian, gaussian) / gaussian.sum() ** 2).astype("float32")


def high_pass(size=15, sigma=2.5):
    """The identity minus the low pass: each pixel minus the mean around it. The sum is 0."""
    kernel = -low_pass(size, sigma)
    kernel[size // 2, size // 2] += 1
    return kernel


def color_filter(color):
    """A 1 × 1 × 3 kernel of norm 1 for a color (red, green, blue); the output is 0 for any gray."""
    weights = np.subtract(color, np.mean(color))
    return (weights / np.linalg.norm(weights)).reshape(1, 1, 3).astype("float32")


def grating(angle, wavelength, size, phase=0.0):
    """A sinusoidal grating (size, size) whose stripes lie at an angle to the horizontal.

    Args:
        angle: In degrees.
        wavelength: Pixels from stripe to stripe.
        size: Pixels of each side.
        phase: In radians; 0 for a bright stripe through the center.
    """
    y, x = np.mgrid[:size, :size] - size // 2
    radians = np.deg2rad(angle)
    distance = x * np.sin(radians) + y * np.cos(radians)  # from the stripe through the center
    return np.cos(2 * np.pi * distance / wavelength + phase).astype("float32")


def gabor(angle, wavelength=6, size=17, phase=0.0):
    """A Gabor kernel, a grating times a Gaussian, like the receptive fields of Hubel and Wiesel.

    The weighted mean of the grating is subtracted first, so that the sum is 0.
    """
    gaussian = low_pass(size, sigma=size / 5)
    stripes = grating(angle, wavelength, size, phase)
    return gaussian * (stripes - np.sum(gaussian * stripes))


def gabor_energy(image, angle):
    """Response to an orientation, whatever the phase: two Gabor filters a quarter wave apart."""
    even = convolve(image, gabor(angle))
    odd = convolve(image, gabor(angle, phase=np.pi / 2))
    return np.hypot(even, odd)


def tuning_curve(preferred, angles):
    """Mean response of the filters for one orientation to gratings at other angles: (angles,)."""
    responses = []
    for angle in angles:
        image = grating(angle, wavelength=6, size=65)
        responses.append(gabor_energy(image, preferred).mean())
    return np.array(responses)


def learn_kernel(image, hidden, steps=200):
    """Train a 3 × 3 convolution on only the input and output of a hidden kernel.

    Args:
        image: The input (H, W).
        hidden: The kernel (3, 3) to find.
        steps: Number of steps of gradient descent.

    Returns:
        The kernels (steps + 1, 3, 3): the initial one and the one after each step.
    """
    inputs = image[None, :, :, None]  # (1, H, W, 1)
    targets = convolve(image, hidden)[None, :, :, None]
    convolution = keras.layers.Conv2D(1, 3, use_bias=False)
    model = keras.Sequential([keras.Input((None, None, 1)), convolution])
    schedule = keras.optimizers.schedules.CosineDecay(0.5, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="mse")
    kernels = [convolution.get_weights()[0]]
    for _ in range(steps):
        model.train_on_batch(inputs, targets)
        kernels.append(convolution.get_weights()[0])
    return np.array(kernels)[:, :, :, 0, 0]


def noise(size=64):
    """An image (size, size) of standard normal noise."""
    return np.random.default_rng(0).normal(size=(size, size)).astype("float32")


def show(axis, image, title=None, signed=False):
    """Draw an image; with `signed`, zero is white, and each sign has its own color."""
    limit = np.quantile(np.abs(image), 0.99)
    if signed:
        style = {"cmap": "PuOr_r", "vmin": -limit, "vmax": limit}
    else:
        style = {"cmap": "gray", "vmin": 0, "vmax": limit}
    plots.show_images(axis, image[None], title=title, **style)


def plot_classic():
    """Edge mask, low pass and high pass on a photograph."""
    gray = photograph("china").mean(axis=2)
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.6), layout="constrained")
    show(axes[0, 0], gray, "Photograph")
    edges = convolve(gray, EDGES)
    show(axes[0, 1], edges, "−1 … 8 … −1 responds to edges, with both signs", signed=True)
    show(axes[1, 0], convolve(gray, low_pass()), "Low pass: the details are gone")
    high = convolve(gray, high_pass())
    show(axes[1, 1], high, "High pass: the details are left", signed=True)
    return figure


def plot_color():
    """A color filter on a photograph."""
    flower = photograph("flower")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    show(axes[0], flower, "Photograph")
    orange = convolve(flower, color_filter(ORANGE))
    show(axes[1], orange, "Three weights find what is orange", signed=True)
    return figure


def plot_orientations():
    """Four Gabor filters and their responses to a photograph."""
    gray = photograph("flower").mean(axis=2)
    figure, axes = plt.subplots(
        2, 4, figsize=(10, 4.6), height_ratios=(1, 1.6), layout="constrained"
    )
    for column, angle in enumerate(ANGLES[::2]):
        show(axes[0, column], gabor(angle), f"{angle:.0f}°", signed=True)
        show(axes[1, column], gabor_energy(gray, angle))
    figure.suptitle("Each filter finds the contours that run its way")
    return figure


def plot_tuning():
    """Tuning curves of four Gabor filters."""
    angles = np.arange(0, 181, 5)
    figure, axis = plt.subplots(layout="constrained")
    for angle in ANGLES[::2]:
        axis.plot(angles, tuning_curve(angle, angles), label=f"filter for {angle:.0f}°")
    axis.set(title="Every filter has one orientation that it prefers")
    axis.set(xlabel="orientation of the grating (degrees)", xticks=range(0, 181, 45))
    axis.set(ylabel="response", ylim=(0, 0.6))
    axis.legend(loc="upper center", ncols=4)
    return figure


def plot_learning():
    """How fast gradient descent recovers the edge mask, from three images."""
    roofs = photograph("china").mean(axis=2)[100:228, 100:228]
    images = {
        "photograph": roofs,
        "photograph less its mean": roofs - roofs.mean(),
        "noise": noise(),
    }
    figure, axis = plt.subplots(layout="constrained")
    for name, image in images.items():
        errors = np.abs(learn_kernel(image, EDGES) - EDGES).max(axis=(1, 2))
        axis.semilogy(errors, label=name)
    axis.set(title="From input and output alone, gradient descent finds the edge mask")
    axis.set(xlabel="training step", ylabel="largest error of the nine weights")
    axis.legend()
    return figure


def figures():
    """Classic filters on two photographs, tuning curves of Gabor filters, and a filter learned."""
    return {
        "classic": plot_classic(),
        "color": plot_color(),
        "orientations": plot_orientations(),
        "tuning": plot_tuning(),
        "learned": plot_learning(),
    }


def main():
    uniform = np.full((9, 9), 0.5, "float32")
    response = convolve(uniform, EDGES).max()
    print(f"Edge mask: sum {EDGES.sum():.0f}, response to a uniform image {response:.0f}")

    gray = photograph("china").mean(axis=2)
    images = {
        "photograph": gray,
        "low pass": convolve(gray, low_pass()),
        "high pass": convolve(gray, high_pass()),
    }
    for name, image in images.items():
        print(f"{name:>10}: mean {image.mean():7.4f}, variance {image.var():.4f}")

    orange = convolve(photograph("flower"), color_filter(ORANGE))
    on_flower = orange[200:250, 280:330].mean()
    beside = orange[:80, :80].mean()
    print(f"Orange filter: {on_flower:.2f} on the flower, {beside:.2f} beside it")

    print(f"Edge mask learned from noise:\n{learn_kernel(noise(), EDGES)[-1].round(2)}")
    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
