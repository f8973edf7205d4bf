"""What the networks that are compared on CIFAR-10 cost: CPU minutes of training, side by side.

    make bench-equal-cost                  all of them; some five minutes on one core
    make bench-equal-cost ARGS="--quick"   small batches, one round, to see that it works

Times of different days cannot be compared, since a machine is not equally fast on all of them. Here
the networks take turns in one process, and the median of several rounds counts. Only training steps
are timed: reading the images and the validation after each epoch are not.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from recipes._runner.recipe import find
from recipes.cnn_architectures.architectures_compared import SMALL_FORMS
from recipes.common import cifar10

ROUNDS = 5
STEPS = 6  # of training, in a round


def build(recipe, variant):
    """The compiled small form of a network."""
    arguments = getattr(recipe.module, "VARIANTS", {}).get(variant, {})
    return recipe.module.build_model(**arguments)


def seconds_per_step(models, batch, rounds):
    """The CPU time of a training step of each network, in each round.

    Args:
        models: Compiled networks by name.
        batch: Number of images in a step.
        rounds: How often each network takes its turn.

    Returns:
        Lists of seconds, by name.
    """
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (batch, 32, 32, 3)).astype("uint8")
    labels = generator.integers(0, len(cifar10.CLASSES), batch)
    # The first step of each network compiles it.
    for model in models.values():
        model.train_on_batch(images, labels)
        model.train_on_batch(images, labels)
    found = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            start = time.process_time()
            for _ in range(STEPS):
                model.train_on_batch(images, labels)
            found[name].append((time.process_time() - start) / STEPS)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two images, one round")
    options = parser.parse_args()
    batch = 2 if options.quick else 128
    rounds = 1 if options.quick else ROUNDS
    recipes = {name: find(recipe) for name, (recipe, _) in SMALL_FORMS.items()}
    models = {}
    for name, (_, variant) in SMALL_FORMS.items():
        models[name] = build(recipes[name], variant)
    print("CPU minutes of training: median (smallest to largest); images a second in training")
    for name, seconds in seconds_per_step(models, batch, rounds).items():
        steps = recipes[name].module.EPOCHS * cifar10.IMAGES / batch
        low, median, high = (
            steps * each / 60 for each in (min(seconds), statistics.median(seconds), max(seconds))
        )
        images_per_second = batch / statistics.median(seconds)
        print(f"{name:>20}  {median:.1f} ({low:.1f} to {high:.1f})  {images_per_second:.0f}")
    keras.backend.clear_session()


if __name__ == "__main__":
    main()
