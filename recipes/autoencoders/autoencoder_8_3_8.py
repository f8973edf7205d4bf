"""The 8-3-8 autoencoder: eight patterns pass through three units, which invent a three-bit code for them.

Slides: 001 «Auto-encoders (8-3-8)», 001 «Ejemplo de autoencoder».
Paper:  Ackley, Hinton & Sejnowski (1985), https://doi.org/10.1207/s15516709cog0901_7 (the encoder problem);
        Rumelhart, Hinton & Williams (1986), Learning internal representations by error propagation
Departs from the slides: a softmax output, since one of the eight is on; and a small penalty on the decoder's weights.

Wanted is no more than the input itself; that it has to pass through three units makes them find a code. With weights
kept small, the surest way to tell eight codes apart is to put them as far from each other as they go: into the corners
of the cube, which are the numbers 0 to 7 in binary, in an order of the network's own. Yet three units are no minimum,
for they are not bits: weights 2c and bias −|c|² for each code c name the nearest code, be it on a line (tested). Two
units learn it, too.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

EPOCHS = 20
OBJECTIVE = ("loss", "min")  # there are no other patterns to validate on
PASSES = 50  # over the eight patterns, an epoch
VARIANTS = {"three_units": {"units": 3}, "two_units": {"units": 2, "l2": 0.0}}
PATTERNS = np.eye(8, dtype="float32")


def load_data(batch_size=8):
    """The eight patterns (8,), each one its own target, many times over; no validation; the eight again as a test."""
    patterns = tf.data.Dataset.from_tensor_slices((PATTERNS, PATTERNS))
    return patterns.shuffle(8).repeat(PASSES).batch(batch_size), None, patterns.batch(8)


def build_model(units=3, l2=0.0003, learning_rate=0.1):
    """The compiled network: (8,) to three units and back to (8,) probabilities. 59 parameters, 42 with two."""
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(units, activation="sigmoid", name="code"),
            keras.layers.Dense(
                8, activation="softmax", kernel_regularizer=keras.regularizers.L2(l2)
            ),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), "categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 1, 8, default=3),
        "l2": hp.Choice("l2", [0.0, 0.0001, 0.0003, 0.001, 0.003], default=0.0003),
        "learning_rate": hp.Choice("learning_rate", [0.01, 0.03, 0.1, 0.3], default=0.1),
    }


def baseline(train, test):
    """Always the same pattern."""
    return {"accuracy": 1 / 8}


def codes(model):
    """(8, units) what the hidden units say to each pattern: of a pattern with a single 1, one row of the weights."""
    kernel, bias = model.get_weights()[:2]
    return 1 / (1 + np.exp(-(kernel + bias)))


def words(code):
    """The codes rounded to bits, as strings: `101`."""
    return ["".join(str(int(bit)) for bit in np.round(row)) for row in code]


def decoded(model, code):
    """Which pattern the second half of the network makes of each code (…, units)."""
    kernel, bias = model.get_weights()[2:]
    return np.argmax(code @ kernel + bias, axis=-1)


def on_the_way(steps):
    """The codes of a new network before each of its first training steps and after the last: (steps + 1, 8, 3)."""
    model = build_model()
    path = [codes(model)]
    for _ in range(steps):
        model.train_on_batch(PATTERNS, PATTERNS)
        path.append(codes(model))
    return np.array(path)


def draw_cube(axis, code):
    """The unit cube, and in it the codes with the numbers of their patterns."""
    for start in np.ndindex(2, 2, 2):
        for unit in range(3):
            end = np.array(start)
            end[unit] = 1
            axis.plot(*np.array([start, end]).T, color="0.75", linewidth=1)
    for number, (place, colour) in enumerate(zip(code, plt.get_cmap("tab10").colors, strict=False)):
        axis.scatter(*place, s=170, color=colour, depthshade=False)
        axis.text(
            *place,
            str(number + 1),
            color="white",
            weight="bold",
            ha="center",
            va="center",
            zorder=10,
        )
    axis.set(
        xticks=[0, 1],
        yticks=[0, 1],
        zticks=[0, 1],
        xlabel="unit 1",
        ylabel="unit 2",
        zlabel="unit 3",
    )
    axis.view_init(elev=18, azim=-62)
    axis.grid(False)
    axis.set_box_aspect(None, zoom=0.85)


def figures(models, test, histories):
    """The code as a table, in the cube, in the square of two units; and how it came about."""
    code = codes(models["three_units"])
    invented, axes = plt.subplots(
        1, 3, figsize=(13, 4.6), width_ratios=(0.9, 1.2, 1.2), layout="constrained"
    )
    axes[0].imshow(code, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, unit), value in np.ndenumerate(code):
        axes[0].text(
            unit,
            row,
            f"{value:.2f}",
            ha="center",
            va="center",
            color="white" if value > 0.6 else "black",
        )
    labels = [f"{'0' * n}1{'0' * (7 - n)} → {word}" for n, word in enumerate(words(code))]
    axes[0].set(
        xticks=range(3),
        xticklabels=[f"unit {n}" for n in (1, 2, 3)],
        yticks=range(8),
        yticklabels=labels,
    )
    axes[0].set_title(f"{len(set(words(code)))} of 8 words are distinct")
    axes[1].remove()
    axes[1] = invented.add_subplot(1, 3, 2, projection="3d")
    draw_cube(axes[1], code)
    distance = np.abs(code - np.round(code)).max()
    corners = len(set(words(code))) == 8 and distance < 0.2
    axes[1].set_title(
        "Each pattern has a corner of the cube" if corners else "The codes in the cube"
    )

    code = codes(models["two_units"])
    low, high = code.min() - 0.08, code.max() + 0.08
    plane = np.stack(np.meshgrid(np.linspace(low, high, 300), np.linspace(low, high, 300)), axis=-1)
    region = decoded(models["two_units"], plane)
    axes[2].imshow(
        region,
        origin="lower",
        extent=(low, high, low, high),
        cmap="tab10",
        vmin=0,
        vmax=9,
        alpha=0.45,
    )
    axes[2].scatter(*code.T, s=170, c=range(8), cmap="tab10", vmin=0, vmax=9)
    for number, place in enumerate(code):
        axes[2].text(*place, number + 1, color="white", weight="bold", ha="center", va="center")
    right = np.sum(decoded(models["two_units"], code) == np.arange(8))
    axes[2].set(
        xlabel="unit 1 (upwards: unit 2)",
        title=f"Two units: {right} of 8 told apart, each has its region",
    )

    path = on_the_way(steps=min(300, PASSES * len(histories["three_units"]["loss"])))
    way = plt.figure(figsize=(10, 4.4), layout="constrained")
    cube, curves = way.add_subplot(1, 2, 1, projection="3d"), way.add_subplot(1, 2, 2)
    draw_cube(cube, path[-1])
    for number, colour in zip(range(8), plt.get_cmap("tab10").colors, strict=False):
        cube.plot(*path[:, number].T, color=colour, linewidth=1.5)
    cube.set_title("Another network: all set out from the middle")
    distinct = [len(set(words(code))) for code in path]
    curves.plot(distinct, drawstyle="steps-post")
    curves.set(xlabel="training step", ylim=(0, 8.4), yticks=range(9))
    curves.set_title(
        f"Distinct words: {distinct[0]} by chance, {distinct[-1]} after {len(path) - 1} steps"
    )
    curves.grid(True)
    return {"codes": invented, "on_the_way": way}


def main():
    for name, arguments in VARIANTS.items():
        train, _, test = load_data()
        model = build_model(**arguments)
        model.fit(train, epochs=EPOCHS, shuffle=False, verbose=0)
        print(name, model.evaluate(test, return_dict=True, verbose=0), *words(codes(model)))
        model.save(f"autoencoder_8_3_8_{name}.keras")


if __name__ == "__main__":
    main()
