"""Searching with several processes.

KerasTuner's protocol, with a chief that ends in time and workers that notice it.

Every process runs the same program and shares the project folder. One has
KERASTUNER_TUNER_ID="chief", the others any other name each; all have KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT. Or a program starts the workers itself:

    with tuner.project():
        chief = serve(tuner.oracle)
        ...  # start programs with {**os.environ, **chief.environment("worker-1")}; if one dies:
        tuner.oracle.abandon("worker-1", "killed by signal 9")
        chief.wait()

The protocol has no authentication: whoever reaches the port can take part. It listens on this
machine only, unless told otherwise; across machines use a private network or an ssh tunnel. On a
socket in a folder of one's own nobody else can, and no network is needed.
"""

import os
import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client
from keras_tuner.src.engine import conditions

PATIENCE = 60.0  # seconds after which a worker gives up a chief that does not answer
# Seconds that the chief stays after the last trial, for workers that have not asked for another.
GRACE = 5.0
# KerasTuner 1.4.8 has left a `print` where it sends a condition to a worker: a stray word on the
# terminal for each trial of a search with conditional hyperparameters.
conditions.print = lambda *values: None


def serve(oracle, host="127.0.0.1", port=0):
    """Answer workers in threads of this process.

    Args:
        oracle: whose trials they get, with the project folder set, as a tuner does.
        host: address to listen on, or `"unix"`.
        port: 0 chooses one; with `"unix"`, the path of the socket, at most 100 characters.

    Returns:
        A `Chief`.

    Raises:
        RuntimeError: if the address cannot be listened on.
    """
    return Chief(oracle, host, port)


class Chief:
    """A server for workers, at `host` and `port`."""

    def __init__(self, oracle, host, port):
        self.oracle = oracle
        self.servicer = oracle_chief.OracleServicer(oracle)
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        protos.get_service_grpc().add_OracleServicer_to_server(self.servicer, self.server)
        listening = self.server.add_insecure_port(f"{host}:{port}")
        self.host, self.port = host, port if host == "unix" else listening
        self.server.start()

    def environment(self, tuner_id):
        """The environment variables that make a program the worker `tuner_id` of this chief."""
        return {
            "KERASTUNER_TUNER_ID": tuner_id,
            "KERASTUNER_ORACLE_IP": self.host,
            "KERASTUNER_ORACLE_PORT": str(self.port),
        }

    def finished(self):
        """Whether there is nothing left to run."""
        nothing_runs = not self.oracle.ongoing_trials and not self.oracle._retry_queue
        return nothing_runs and (self.servicer.stop_triggered or self.oracle.first_failed())

    def wait(self, poll=0.2):
        """Return, with the server stopped, soon after the last trial has ended."""
        since = None
        while since is None or (self.oracle.tuner_ids and time.monotonic() - since < GRACE):
            time.sleep(poll)
            since = (since or time.monotonic()) if self.finished() else None
        self.stop()

    def stop(self):
        """Stop answering."""
        self.server.stop(grace=1.0).wait()


class Client(oracle_client.OracleClient):
    """A worker's side of the oracle.

    Args:
        oracle: one made with the same arguments as the chief's.
        patience: seconds to wait for an answer.

    Raises:
        ConnectionError: from any method, if the chief has not answered for so long.
    """

    def __init__(self, oracle, patience=None):
        super().__init__(oracle)
        address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
        self.stub = _Patient(self.stub, address, PATIENCE if patience is None else patience)

    def remaining_trials(self):
        """How many trials have not begun, or None if there is no limit."""
        begun = sum(name.startswith("trial_") for name in os.listdir(self._oracle._project_dir))
        return self._oracle.max_trials - begun if self._oracle.max_trials else None


class _Patient:
    """Calls of a stub, repeated while the chief is away, up to `patience` seconds."""

    def __init__(self, stub, address, patience):
        self.stub, self.address, self.patience = stub, address, patience

    def __getattr__(self, name):
        method = getattr(self.stub, name)

        def call(request, **_):
            end = time.monotonic() + self.patience
            while True:
                try:
                    return method(
                        request, wait_for_ready=True, timeout=max(end - time.monotonic(), 0.1)
                    )
                except grpc.RpcError as error:
                    away = error.code() in (
                        grpc.StatusCode.UNAVAILABLE,
                        grpc.StatusCode.DEADLINE_EXCEEDED,
                    )
                    if not away:
                        raise
                    if time.monotonic() >= end:
                        raise ConnectionError(
                            f"the chief at {self.address} has not answered "
                            f"for {self.patience:g} s: this worker stops"
                        ) from None
                    time.sleep(0.2)

        return call
