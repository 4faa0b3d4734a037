#!/bin/sh
# Have what builds and runs the image without a registry of images: Debian's buildah, debootstrap,
# podman and runc. As root, with apt; nothing is done where they are there already.
set -eu

missing=
for tool in debootstrap buildah podman runc; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing here:$missing; and there is no apt for root to install them with." >&2
  exit 1
fi
echo "Installing$missing."
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # each word is a package
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
