"""Fresh Python processes in a tenth of a second.

They are forked from one that has imported Keras and TensorFlow, and nothing of ours.

`python tests/fresh.py` reads a line of JSON for each, from standard input.
"""

import gc
import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import traceback


class Processes:
    """Starts them.

    Variables that are read when Keras or TensorFlow is imported come too late: what depends on them
    needs `subprocess`.
    """

    def __init__(self):
        self.parent = None

    def run(self, *arguments, cwd=None, env=None):
        """`python ARGUMENTS…`, as by `subprocess.run(…, capture_output=True, text=True)`."""
        if self.parent is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.parent = subprocess.Popen([sys.executable, __file__], text=True, **pipes)
        arguments = [str(argument) for argument in arguments]
        with tempfile.TemporaryDirectory() as folder:
            job = {
                "arguments": arguments,
                "cwd": str(cwd or os.getcwd()),
                "env": dict(os.environ if env is None else env),
                "output": f"{folder}/output",
                "errors": f"{folder}/errors",
            }
            print(json.dumps(job), file=self.parent.stdin, flush=True)
            try:
                status = int(self.parent.stdout.readline())
            except BaseException:
                # A test that waits no longer: the answer is not the next one's.
                self.parent.kill()
                self.parent = None
                raise
            output, errors = (
                pathlib.Path(job[name]).read_text(errors="replace") for name in ("output", "errors")
            )
        return subprocess.CompletedProcess(arguments, status, output, errors)

    def end(self):
        if self.parent is not None:
            self.parent.communicate()


def work(job):
    """What Python does with its command line."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    for path, descriptor in ((os.devnull, 0), (job["output"], 1), (job["errors"], 2)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    sys.path[1:1] = filter(None, job["env"].get("PYTHONPATH", "").split(os.pathsep))
    first, *rest = job["arguments"]
    if first == "-c":
        sys.path[0] = ""
        code, *rest = rest
        sys.argv = ["-c", *rest]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    elif first == "-m":
        sys.path[0] = os.getcwd()
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(pathlib.Path(first).parent.resolve())
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


def status_of(job):
    """That of a process that has done its work, what it has to say of errors written."""
    try:
        work(job)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main():
    import keras  # noqa: F401

    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = status_of(json.loads(line))
            sys.stdout.flush()
            # Clearing away all that has been imported takes a second.
            os._exit(status)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
