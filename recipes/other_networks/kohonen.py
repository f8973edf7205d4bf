"""Self-organizing map (Kohonen network): the digits of MNIST, on a grid of 20 × 20 units.

Slides: 001 «zoo KN» (Kohonen network).
Paper:  Kohonen (1982), Self-organized formation of topologically correct feature maps,
        https://doi.org/10.1007/BF00337288
Departs from the paper: the responding unit is the one whose weights are nearest to the input, and
the neighborhood function is Gaussian, as in Kohonen's later book and in most programs.

Every unit of the grid has a prototype, a vector as long as an input. For each example the
best-matching unit is c = argmin ‖x − w_i‖, and the prototypes move toward the example, most of all
those of units near c on the grid: Δw_i = η exp(−‖r_i − r_c‖² / 2σ²) (x − w_i). No labels are used.
The radius σ is wide at first, which unfolds the map, and shrinks, so that prototypes become
different. Without a neighborhood this would be online k-means clustering.

The quantization error is the mean distance from examples to their prototypes; the topographic error
is how often the two prototypes nearest to an example do not belong to neighbors on the grid. A flat
grid has no topographic error and fits badly; clusters fit best and have no order. A map should have
small errors of both kinds.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.decomposition import PCA

from layers.digits import CenterDigit
from recipes.common.arrays import to_numpy

EPOCHS = 2
OBJECTIVE = ("val_quantization_error", "min")


def load_data(batch_size=100):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    A quarter of the digits is enough for 400 prototypes. The labels are not used for training, only
    in figures.
    """
    splits = ["train[:25%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def grid_positions(rows, columns):
    """The positions of the units, row by row: (rows * columns, 2)."""
    return np.indices((rows, columns)).reshape(2, -1).T.astype("float32")


def squared_distances(vectors, prototypes):
    """Squared distances of vectors (batch, n) from prototypes (units, n): (batch, units)."""
    products = keras.ops.matmul(vectors, keras.ops.transpose(prototypes))
    lengths = keras.ops.sum(vectors**2, axis=1, keepdims=True)
    return lengths - 2 * products + keras.ops.sum(prototypes**2, axis=1)


def learn(prototypes, vector, positions, rate, radius):
    """Prototypes (units, n) after one example (n,)."""
    differences = vector - prototypes  # (units, n)
    best = keras.ops.argmin(keras.ops.sum(differences**2, axis=1))
    offsets = positions - positions[best]  # (units, 2), on the grid
    neighborhood = keras.ops.exp(-keras.ops.sum(offsets**2, axis=1) / (2 * radius**2))
    return prototypes + rate * neighborhood[:, None] * differences


def map_errors(distances, positions):
    """Quantization and topographic error of each example.

    Args:
        distances: (batch, units), squared, from the prototypes.
        positions: (units, 2).

    Returns:
        Quantization error (batch,), the distance from the best-matching unit's prototype; and
        topographic error (batch,), 1 if the second-best unit is not among the up to eight neighbors
        of the best one, else 0.
    """
    negative, nearest = keras.ops.top_k(-distances, 2)  # (batch, 2)
    quantization = keras.ops.sqrt(keras.ops.maximum(-negative[:, 0], 0))
    best_two = keras.ops.take(positions, nearest, axis=0)  # (batch, 2, 2)
    offsets = keras.ops.abs(best_two[:, 0] - best_two[:, 1])
    not_adjacent = keras.ops.max(offsets, axis=1) > 1
    return quantization, keras.ops.cast(not_adjacent, "float32")


@keras.saving.register_keras_serializable(package="kohonen")
class SelfOrganizingMap(keras.Model):
    """Images (batch, …) of uint8 to the row and column of their best-matching units (batch, 2).

    Args:
        rows, columns: Of the grid, which has at least two units.
        radius: σ at the start and at the end, in units, above 0.
        steps: Number of training steps, over which the radius shrinks.
    """

    def __init__(self, rows=20, columns=20, radius=(8.0, 0.5), steps=1000, **kwargs):
        super().__init__(**kwargs)
        if min(rows, columns) < 1 or rows * columns < 2:
            raise ValueError(
                f"the grid must have at least two units. Received: rows={rows}, columns={columns}"
            )
        if min(radius) <= 0:
            raise ValueError(f"radius must be above 0. Received: {radius}")
        self.options = {"rows": rows, "columns": columns, "radius": radius, "steps": steps}
        first, last = radius
        self.radius = keras.optimizers.schedules.PolynomialDecay(first, steps, last)
        self.positions = grid_positions(rows, columns)
        self.quantization_error = keras.metrics.Mean(name="quantization_error")
        self.topographic_error = keras.metrics.Mean(name="topographic_error")

    def build(self, input_shape):
        shape = (len(self.positions), int(np.prod(input_shape[1:])))
        initializer = keras.initializers.RandomUniform(0, 1)
        # Always float32: in 16 bits, many distances would be equal.
        self.prototypes = self.add_weight(
            name="prototypes", shape=shape, initializer=initializer, autocast=False
        )
        self.built = True

    def vectors(self, images):
        """Pixels from 0 to 1: (batch, n)."""
        flat = keras.ops.reshape(images, (-1, self.prototypes.shape[1]))
        return keras.ops.cast(flat, "float32") / 255

    def call(self, images):
        distances = squared_distances(self.vectors(images), self.prototypes)
        return keras.ops.take(self.positions, keras.ops.argmin(distances, axis=1), axis=0)

    def train_step(self, data):
        images, _ = data
        vectors = self.vectors(images)
        positions = keras.ops.convert_to_tensor(self.positions)
        rate = self.optimizer.learning_rate
        radius = self.radius(self.optimizer.iterations)

        def learn_one(index, prototypes):
            return learn(prototypes, vectors[index], positions, rate, radius)

        start = keras.ops.convert_to_tensor(self.prototypes)
        count = keras.ops.shape(vectors)[0]
        self.prototypes.assign(keras.ops.fori_loop(0, count, learn_one, start))
        self.optimizer.iterations.assign_add(1)
        return self.updated_errors(vectors)

    def test_step(self, data):
        images, _ = data
        return self.updated_errors(self.vectors(images))

    def updated_errors(self, vectors):
        distances = squared_distances(vectors, self.prototypes)
        quantization, topographic = map_errors(distances, self.positions)
        self.quantization_error.update_state(quantization)
        self.topographic_error.update_state(topographic)
        return {
            "quantization_error": self.quantization_error.result(),
            "topographic_error": self.topographic_error.result(),
        }

    def get_config(self):
        return {**super().get_config(), **self.options}


def build_model(
    rows=20,
    columns=20,
    first_radius=8.0,
    last_radius=0.5,
    learning_rate=0.5,
    steps=EPOCHS * 150,
    input_shape=(28, 28, 1),
):
    """The map, with random prototypes: (28, 28, 1) images to (2,) positions. 313,600 parameters.

    Its learning rule is not the gradient of a loss. It uses only the optimizer's step count and its
    learning rate, which decays linearly to 0 over the training `steps`.
    """
    model = SelfOrganizingMap(rows, columns, (first_radius, last_radius), steps)
    model.build((None, *input_shape))
    schedule = keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0)
    model.compile(keras.optimizers.SGD(schedule))
    return model


def deployed(model):
    """The map for images of one digit, of any size, dark on light or light on dark."""
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    return keras.Model(image, model(digit))


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "first_radius": hp.Choice("first_radius", [4.0, 8.0, 16.0], default=8.0),
        "last_radius": hp.Choice("last_radius", [0.25, 0.5, 0.7, 1.0], default=0.5),
        "learning_rate": hp.Choice("learning_rate", [0.1, 0.2, 0.5, 1.0], default=0.5),
    }


def baseline(train, test):
    """A flat grid of 20 × 20 prototypes in the plane of the first two principal components."""
    images, _ = to_numpy(train)
    plane = PCA(2, random_state=0)
    projections = plane.fit_transform(pixels(images))
    # From the 1st to the 99th percentile along each component.
    low, high = np.percentile(projections, [1, 99], axis=0)
    positions = grid_positions(20, 20)
    prototypes = plane.inverse_transform(low + positions / 19 * (high - low))
    images, _ = to_numpy(test)
    distances = squared_distances(pixels(images), prototypes.astype("float32"))
    quantization, topographic = map_errors(distances, positions)
    return {
        "quantization_error": float(keras.ops.mean(quantization)),
        "topographic_error": float(keras.ops.mean(topographic)),
    }


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "kohonen.keras", monitor="val_quantization_error", mode="min", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("kohonen.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("A flat grid in the plane of two principal components:", baseline(train, test))
    deployed(model).save("kohonen_deployed.keras")


if __name__ == "__main__":
    main()
