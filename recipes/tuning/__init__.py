"""KerasTuner's four searches, made dependable: resumable after a kill, reproducible by a seed.

    from recipes.tuning import BayesianOptimization

    tuner = BayesianOptimization(
        build_model, "val_accuracy", max_trials=30, seed=0, directory="searches"
    )
    tuner.search(train, validation_data=validation, epochs=10)
    tuner.leaderboard()

Works without the recipes' own runner, on any `build_model(hp)` or `keras_tuner.HyperModel`.

It relies on private names of KerasTuner, which may change, so the version is pinned:

    keras_tuner.src.engine.oracle: LOCKS THREADS
    keras_tuner.src.engine.oracle.Oracle: _check_consecutive_failures _compute_values_hash _display
    keras_tuner.src.engine.oracle.Oracle: _duplicate _get_trial_dir _id_to_hash _max_collisions
    keras_tuner.src.engine.oracle.Oracle: _project_dir _record_values _retry _retry_queue _run_times
    keras_tuner.src.engine.oracle.Oracle: _save_trial _tried_so_far
    keras_tuner.src.engine.base_tuner.BaseTuner: _is_worker
    keras_tuner.src.engine.base_tuner.BaseTuner: _run_and_update_trial _try_run_and_update_trial
    keras_tuner.src.engine.tuner.Tuner: _build_hypermodel _configure_tensorboard_dir
    keras_tuner.src.engine.tuner.Tuner: _deepcopy_callbacks _get_build_config_fname
    keras_tuner.src.engine.tuner.Tuner: _get_checkpoint_fname _try_build
    keras_tuner.src.engine.tuner: maybe_distribute
    keras_tuner.src.engine.tuner_utils: TunerCallback average_metrics_dicts validate_trial_results
    keras_tuner.src.engine.conditions: Parent
    keras_tuner.src.engine.metrics_tracking: MetricsTracker
    keras_tuner.src.engine.trial: Trial
    keras_tuner.src.tuners.gridsearch: LinkedList
    keras_tuner.src.tuners.gridsearch.GridSearchOracle: _compare _ordered_ids _populate_next
    keras_tuner.src.tuners.hyperband.HyperbandOracle: _brackets _current_bracket _current_iteration
    keras_tuner.src.tuners.hyperband.HyperbandOracle: _get_epochs _get_num_brackets _get_num_rounds
    keras_tuner.src.tuners.hyperband.HyperbandOracle: _get_size _increment_bracket_num
    keras_tuner.src.tuners.hyperband.HyperbandOracle: _start_new_bracket
    keras_tuner.src.distribute.utils: has_chief_oracle is_chief_oracle
    keras_tuner.src.distribute.oracle_chief: OracleServicer
    keras_tuner.src.distribute.oracle_client: OracleClient
    keras_tuner.src.distribute.oracle_client.OracleClient: _oracle
    keras_tuner.src.protos: get_service_grpc
"""

TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch")

__all__ = [*TUNERS]


def __getattr__(name):
    # Looked up lazily: importing `recipes.tuning` imports neither Keras nor KerasTuner.
    if name in TUNERS:
        from recipes.tuning import tuners

        return getattr(tuners, name)
    raise AttributeError(f"module 'recipes.tuning' has no attribute {name!r}")
