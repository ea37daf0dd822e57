"""Programs that stand in for services: started on a free port, and gone with the tests."""
import os
import socket
import subprocess
import time

REGION = "eu-central-1"
KEY_ID = "AKIADOCMILLTEST00001"
KEY = "docmill-test-key"  # of nothing but these programs


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def variables(**more):
    """What a program of ours is told: who it is, where, and nothing of whoever runs the tests."""
    return {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true"} | more


class Service:
    def __init__(self, name, command, port, folder, **environment):
        self.name = name
        self.command = command
        self.port = port
        self.log = folder / f"{name}.log"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"{self.name} does not listen:\n{self.log.read_text()}"
            time.sleep(0.05)
        return self

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
