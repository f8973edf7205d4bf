"""KerasTuner's four searches, made dependable: one that is killed continues, and the same seed gives the same search.

    from recipes.tuning import BayesianOptimization

    tuner = BayesianOptimization(build_model, "val_accuracy", max_trials=30, seed=0, directory="searches")
    tuner.search(train, validation_data=validation, epochs=10)
    tuner.leaderboard()

Works without the recipes' own runner, on any `build_model(hp)` or `keras_tuner.HyperModel`.
"""

TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch")

__all__ = [*TUNERS]


def __getattr__(name):
    if name in TUNERS:  # looked up lazily: importing `recipes.tuning` imports neither Keras nor KerasTuner
        from recipes.tuning import tuners

        return getattr(tuners, name)
    raise AttributeError(f"module 'recipes.tuning' has no attribute {name!r}")
