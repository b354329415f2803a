"""The worker processes of the kernel harness: killed, stopped past their session, told to die inside a commit, started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from tests.fault.plan import Plan, Report
from transport.settings import Settings


class Workers:
    """The worker processes; each is started again when it ends."""

    def __init__(self, settings: Settings, plan: Plan, report: Report) -> None:
        self._settings, self._plan, self._report = settings, plan, report
        self._logs = settings.data_dir / "worker-logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._random = random.Random(plan.seed)
        self._running: list[subprocess.Popen[bytes]] = []
        self._armed: set[subprocess.Popen[bytes]] = set()
        self.inside_left = plan.inside
        self._starts = 0

    def start_all(self) -> None:
        """Start every worker."""
        self._running = [self._start(i) for i in range(self._plan.workers)]

    def _start(self, i: int) -> subprocess.Popen[bytes]:
        s = self._settings
        self._starts += 1
        env = {k: v for k, v in os.environ.items() if not k.startswith("NHIP_")} | {
            "NHIP_KAFKA_BOOTSTRAP": s.kafka_bootstrap, "NHIP_REGISTRY_URL": s.registry_url, "NHIP_TOPIC_PREFIX": s.topic_prefix,
            "NHIP_DATA_DIR": str(s.data_dir), "NHIP_WORKER_INSTANCE": f"w{i}", "NHIP_WORKER_METRICS_PORT": "0",
            "NHIP_CONTROL": self._plan.control, "NHIP_FAULT_SEED": f"{self._plan.seed}-{self._starts}",
        }  # fmt: skip
        if self.inside_left > 0:
            env["NHIP_FAULT"] = "commit:rows-sent:0.03,commit:before-end:0.03,commit:after-end:0.03"
        with (self._logs / f"w{i}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "tests.fault.worker"], env=env, stdout=log, stderr=log, cwd=s.home)
        self._armed |= {process} if "NHIP_FAULT" in env else set()
        return process

    def revive(self) -> None:
        """Start again what has ended."""
        for i, process in enumerate(self._running):
            if process.poll() is not None:
                self._account(i)
                self._running[i] = self._start(i)

    def _account(self, i: int) -> None:
        """Note how a worker ended that we did not kill: inside the commit, or by itself, then with its last words."""
        code = self._running[i].returncode
        if code == -signal.SIGKILL:
            self.inside_left -= 1
            self._report.died_inside += 1
            return
        self._report.exits[str(code)] = self._report.exits.get(str(code), 0) + 1
        lines = (self._logs / f"w{i}.log").read_text("utf-8", "replace").splitlines()
        self._report.last_words += [f"w{i} {code}: {line[:300]}" for line in lines[-1:]]

    def kill_one(self) -> None:
        """SIGKILL a worker; now and then both at once."""
        victims = list(range(len(self._running))) if self._random.random() < 0.15 else [self._random.randrange(len(self._running))]
        for i in victims:
            if self._running[i].poll() is None:
                self._running[i].kill()
                self._running[i].wait(10)
                self._report.killed += 1
            else:
                self._account(i)
        time.sleep(self._random.choice((0.0, 0.0, 1.0)))  # sometimes the other one inherits first
        for i in victims:
            self._running[i] = self._start(i)

    def freeze_one(self, seconds: float) -> None:
        """SIGSTOP past the session, then SIGCONT: the zombie."""
        process = self._random.choice(self._running)
        if process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            process.send_signal(signal.SIGCONT)
            self._report.stopped += 1

    def calm(self) -> None:
        """No more deaths inside the commit: workers that still carry the fault are replaced."""
        self.inside_left = 0
        armed = [(i, process) for i, process in enumerate(self._running) if process in self._armed]
        for _, process in armed:
            process.terminate()
        for i, process in armed:
            if process.wait(30) not in (0, -signal.SIGTERM):  # the latter: told to stop while it was still starting
                self._account(i)
            self._running[i] = self._start(i)

    def end(self) -> None:
        """SIGKILL everything that is left."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait(10)
