"""buildah and podman on a store of their own, so that no image of this machine is touched."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.parts.dockerfile import ROOT, instructions

TAG = "localhost/payment-service:local"
# The base image holds Debian, so it must be the release of that the Dockerfile names.
_RELEASE = re.compile(r"python:3\.\d+-slim-([a-z]+)")
# What a Python image has besides: pip, and the certificates that it checks registries with.
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_CERTIFICATES = "/etc/ssl/certs"
# Fetching a Debian and fifty packages on a busy machine.
STEP_S_MAX = 900.0
# Below the machine's own limits, which may not be raised without CAP_SYS_RESOURCE.
_FILES_MAX, _PROCESSES_MAX = 1024, 4096


class EngineError(Exception):
    """A tool ended with an error; says which, and its last words."""


@dataclass(frozen=True, slots=True)
class Engine:
    """folder: where images and containers are kept, and may stay for the next time."""

    folder: Path

    def podman(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman to its end. Raises EngineError if `check` and it fails."""
        program = ["podman", *self._store(), "--cgroup-manager=cgroupfs", "--runtime=runc"]
        return _run([*program, *words], check=check)

    def base(self) -> str:
        """Have the image that the Dockerfile starts from, made from Debian's packages.

        A stand-in: the official one is on no registry of packages. It has a Python of the same
        release of Debian, with pip in /usr/local.
        """
        name = f"docker.io/library/{instructions()[0].text.split()[0]}"
        if self.podman("image", "exists", name, check=False).returncode == 0:
            return name
        found = _RELEASE.search(name)
        assert found, f"no release of Debian in {name}"
        tree = self.folder / "base"
        shutil.rmtree(tree, ignore_errors=True)
        variant = ["--variant=minbase", f"--include={_PACKAGES}"]
        _run(["debootstrap", *variant, found[1], str(tree)])
        _run(["chroot", str(tree), "python3", "-m", "venv", "/usr/local"])
        packed = self.folder / "base.tar"
        _run(["tar", "-C", str(tree), "-cf", str(packed), "."])
        self.podman("import", "--quiet", str(packed), name)
        shutil.rmtree(tree)
        packed.unlink()
        return name

    def build(self) -> None:
        """Build the Dockerfile as it is, with the machine's way to its registry of packages."""
        pip = self.folder / "pip.conf"
        pip.write_text(_pip_configuration(), encoding="utf-8")
        mounts = ["-v", f"{pip}:/etc/pip.conf:ro"]
        if Path(_CERTIFICATES).is_dir():
            mounts += ["-v", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"]
        how = ["--isolation=chroot", "--network=host", "--pull=never", "--layers=false"]
        as_docker = ["--format=docker", "-t", TAG]  # the other format knows no HEALTHCHECK
        try:
            _run(["buildah", *self._store(), "bud", *how, *mounts, *as_docker, str(ROOT)])
        finally:
            pip.unlink()  # it may hold a password

    def size_mb(self, name: str) -> float:
        """Return how large the image is, with the one it starts from."""
        shown = self.podman("image", "inspect", name).stdout
        return float(json.loads(shown)[0]["Size"]) / 1e6

    def start(self, name: str, *words: str, options: tuple[str, ...] = ()) -> None:
        """Start a container that may do nothing but what the manifests let it do."""
        files = min(_FILES_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        limits = [f"--ulimit=nofile={files}:{files}"]
        limits.append(f"--ulimit=nproc={_PROCESSES_MAX}:{_PROCESSES_MAX}")
        hardened = ["--read-only", "--tmpfs=/tmp:size=16m,mode=1777", "--cap-drop=ALL"]
        hardened.append("--security-opt=no-new-privileges")
        where = ["--detach", "--name", name, "--network=host", "--no-healthcheck"]
        self.podman("run", *where, *hardened, *limits, *options, TAG, *words)

    def exec(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a running container."""
        return self.podman("exec", name, *words, check=False)

    def exit_code(self, name: str) -> int:
        """Wait for the end of a container and return what it ended with."""
        return int(self.podman("wait", name).stdout.strip())

    def remove(self, *names: str) -> None:
        """Remove containers, running or not; none of them has to exist."""
        self.podman("rm", "--force", "--ignore", *names)

    def _store(self) -> list[str]:
        kept, running = self.folder / "images", self.folder / "running"
        return ["--root", str(kept), "--runroot", str(running)]


def _pip_configuration() -> str:
    """Return how pip is set up here, but for folders, which are not in the build."""
    listed = _run([sys.executable, "-m", "pip", "config", "list"]).stdout
    found = dict(
        re.findall(r"^(?:global|install|:env:)\.([a-z-]+)='([^']*)'$", listed, re.MULTILINE)
    )
    passed = {name: text for name, text in found.items() if "://" in text or name == "trusted-host"}
    certificates = os.environ.get("PIP_CERT", "")
    if certificates.startswith(_CERTIFICATES):
        passed["cert"] = certificates
    return "".join(["[global]\n", *(f"{name} = {text}\n" for name, text in passed.items())])


def _run(words: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=STEP_S_MAX)
    if check and done.returncode:
        raise EngineError(f"{' '.join(words[:6])} …\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done
