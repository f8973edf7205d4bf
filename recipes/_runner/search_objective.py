"""What a search compares its trials by, and a first look at the network with its defaults."""

import warnings

from recipes._runner import results
from recipes._runner.errors import UserError


def objective(module, given, epochs, values, chosen):
    """Name and direction of what is optimized: as asked for, the recipe's, or the head's metric.

    Raises:
        UserError: if no epoch reports what was asked for, or nothing says whether more is better.
    """
    from recipes._runner import data, training

    own = training.monitored(module, None) if hasattr(module, "OBJECTIVE") else None
    name, colon, direction = (given or "").partition(":")
    if colon and direction not in ("min", "max"):
        raise UserError(f"--objective {given}: write {name}:min or {name}:max")
    if own and name in ("", own[0]):
        return own[0], direction or own[1]
    try:
        _, model, _, train, validation = defaults_built(module, epochs, values, chosen)
        known = reported(module, model, train, validation) if name else []
    except Exception as error:
        raise data.explain(error) from error  # of a damaged file, for instance
    if not name:
        return training.monitored(module, model)
    if name not in known:
        raise UserError(
            f"--objective {name}: no epoch reports it; what there is: {', '.join(known)}"
        )
    direction = direction or better(name, model)
    if direction is None:
        raise UserError(
            f"--objective {name}: nothing says whether more of it is "
            f"better; write {name}:min or {name}:max"
        )
    return name, direction


def defaults_built(module, epochs, values, chosen):
    """Plan, network, a batch, training and validation set of a trial with the default values."""
    from recipes._runner import devices, training

    name = module.__name__.rpartition(".")[2]
    plan = training.Plan(name, epochs, 0, values, chosen, "float32", False, False)
    built = training.prepare(module, plan, values, devices.strategy("cpu"))
    model, batch, train, validation, _ = built
    return plan, model, batch, train, validation


def check_network(module, options, epochs, values, chosen):
    """Raises a UserError, before the search, where the network is not made for what was asked."""
    from recipes._runner import ensemble, training
    from recipes.common import head_check

    plan, model, batch, train, _ = defaults_built(module, epochs, values, chosen)
    if options.ensemble > 1:
        ensemble.refuse(plan.recipe, model)
    if options.class_weights:
        training.class_weights(plan, model, train, head_check.check_head(model, batch))


def reported(module, model, train, validation):
    """The names of what an epoch reports: one of a single step, run eagerly, shows them."""
    import keras

    model.run_eagerly = True
    keras.config.set_max_steps_per_epoch(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one step is less than an epoch
            callbacks = module.callbacks() if hasattr(module, "callbacks") else []
            model.fit(
                train,
                validation_data=validation,
                epochs=1,
                shuffle=False,
                callbacks=callbacks,
                verbose=0,
            )
    finally:
        keras.config.set_max_steps_per_epoch(None)
    return list(model.history.history)


def better(name, model):
    """`"min"` or `"max"`; or None if neither Keras says so nor the table of the results."""
    import keras

    name = name.removeprefix("val_")
    if name == "loss":
        return "min"
    compiled = [metric for metric in model.metrics if isinstance(metric, keras.metrics.Metric)]
    for group in model.metrics:  # those given to `compile` are one metric there
        compiled += getattr(group, "metrics", [])
    outputs = getattr(model, "output_names", None) or []
    for metric in compiled:
        if name == metric.name or name in [f"{output}_{metric.name}" for output in outputs]:
            direction = getattr(metric, "_direction", None)
            if direction:
                return "max" if direction == "up" else "min"
    return {"↑": "max", "↓": "min"}.get(results.ARROWS.get(name))
