"""What `kubectl kustomize` makes of a folder, as far as ours use it; anything else is refused.

Two kinds of patch are known: merging, with lists of things that have names merged by name and null
for what goes, and `$patch: delete`. A test compares this with kubectl itself where there is one.
"""

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.parts.dockerfile import ROOT

Manifest = dict[str, Any]
Manifests = dict[tuple[str, str], Manifest]  # by kind and name

FOLDERS = ("k8s", "k8s-development")
# Where a folder says what belongs to it: kustomize knows both names.
ASKING = ("Kustomization", "kustomization.yaml")
# What kustomize does not apply, because every installation has its own.
YOURS = ("k8s/PaymentService-configMap.yaml", "k8s-examples/PaymentService-secret.yaml")
_UNDERSTOOD = {"apiVersion", "kind", "resources", "images", "patches"}


def documents(path: Path) -> list[Manifest]:
    """Return the objects of a file. Raises AssertionError when there are none."""
    found = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]
    assert found, f"{path.name} is empty"
    return found


@cache
def rendered(folder: str) -> Manifests:
    """Return all that `kubectl apply -k` would apply.

    Raises AssertionError for a resource that stands there twice, and for a patch or an image that
    meets nothing.
    """
    return _rendered(ROOT / folder)


@cache
def installed(folder: str) -> Manifests:
    """Return the whole installation: what is applied, and what is an operator's own."""
    theirs = [one for name in YOURS for one in documents(ROOT / name)]
    own = {_key(one): one for one in theirs}
    return rendered(folder) if _key(theirs[0]) in rendered(folder) else {**rendered(folder), **own}


def pod_specs(manifests: Manifests) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Give every template of pods: the name of its owner, its labels, its specification."""
    for (_, name), one in manifests.items():
        template = one.get("spec", {}).get("template")
        if template:
            yield name, template["metadata"]["labels"], template["spec"]


def containers(manifests: Manifests) -> dict[str, Manifest]:
    """Return the one container of each template of pods, by the name of its owner."""
    found = {}
    for name, _, spec in pod_specs(manifests):
        (found[name],) = spec["containers"]
    return found


def _key(one: Manifest) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


def asked(folder: Path) -> Manifest:
    """Return what a folder says of itself. Raises ValueError unless it says so once."""
    (path,) = (folder / name for name in ASKING if (folder / name).exists())
    said: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return said


def _rendered(folder: Path) -> Manifests:
    said = asked(folder)
    assert said.keys() <= _UNDERSTOOD, said.keys() - _UNDERSTOOD
    found: Manifests = {}
    for name in said["resources"]:
        path = folder / name
        more = _rendered(path) if path.is_dir() else {_key(one): one for one in documents(path)}
        assert not found.keys() & more.keys(), found.keys() & more.keys()
        found |= copy.deepcopy(more)
    for patch in said.get("patches", []):
        _patch(found, yaml.safe_load(patch["patch"]))
    for image in said.get("images", []):
        _name_image(found, image)
    return found


def _patch(found: Manifests, patch: Manifest) -> None:
    key = _key(patch)
    assert key in found, f"a patch meets nothing: {key}"
    if patch.pop("$patch", None) == "delete":
        del found[key]
    else:
        found[key] = _merged(found[key], patch)


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        both = {name: _merged(old[name], new[name]) for name in old.keys() & new.keys()}
        merged = {**old, **new, **both}
        return {name: value for name, value in merged.items() if value is not None}
    if isinstance(old, list) and isinstance(new, list) and all("name" in one for one in new):
        patches = {one["name"]: one for one in new}
        assert patches.keys() <= {one["name"] for one in old}
        return [_merged(one, patches.get(one["name"], {})) for one in old]
    return new


def _name_image(found: Manifests, image: Manifest) -> None:
    met = [one for one in containers(found).values() if one["image"].split(":")[0] == image["name"]]
    assert met, f"an image meets nothing: {image['name']}"
    for one in met:
        one["image"] = f"{image['newName']}:{image['newTag']}"
