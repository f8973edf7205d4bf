"""Search with several processes.

KerasTuner's protocol, with a chief that exits on time and workers that notice when it is gone.

All processes run the same program and share the project folder. One has
KERASTUNER_TUNER_ID="chief", each of the others a different name; all have KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT. Alternatively, a program starts the workers itself:

    with tuner.project():
        chief = serve(tuner.oracle)
        ...  # start programs with {**os.environ, **chief.environment("worker-1")}; if one dies:
        tuner.oracle.abandon("worker-1", "killed by signal 9")
        chief.wait()

The protocol has no authentication: anyone who can reach the port can take part. By default the
chief listens on the local machine only; across machines use a private network or an ssh tunnel. A
Unix socket in a private folder excludes other users and needs no network.
"""

import os
import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client
from keras_tuner.src.engine import conditions

PATIENCE = 60.0  # seconds after which a worker gives up on a chief that does not answer
# Seconds that the chief stays after the last trial, for workers that have yet to ask for another.
GRACE = 5.0
# KerasTuner 1.4.8 contains a leftover `print` where it sends a condition to a worker: with
# conditional hyperparameters, each trial would print a stray word.
conditions.print = lambda *values: None


def serve(oracle, host="127.0.0.1", port=0):
    """Answer workers in threads of this process.

    Args:
        oracle: whose trials they get; its project folder must be set, as a tuner does.
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
        """The environment variables that make a program worker `tuner_id` of this chief."""
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
        """Wait until the last trial has ended, then stop the server."""
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
        ConnectionError: from any method, if the chief has not answered for that long.
    """

    def __init__(self, oracle, patience=None):
        super().__init__(oracle)
        address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
        self.stub = _Patient(self.stub, address, PATIENCE if patience is None else patience)

    def remaining_trials(self):
        """The number of trials that have not started, or None if there is no limit."""
        begun = sum(name.startswith("trial_") for name in os.listdir(self._oracle._project_dir))
        return self._oracle.max_trials - begun if self._oracle.max_trials else None


class _Patient:
    """Calls of a stub, retried for up to `patience` seconds while the chief is unreachable."""

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
