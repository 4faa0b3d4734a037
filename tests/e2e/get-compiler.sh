#!/bin/sh
# Have a C compiler for the tests that let disk and clock fail, where it can be had: as root, with
# apt. Without it those tests are skipped, except in CI, where they fail.
set -eu

if command -v cc >/dev/null || command -v gcc >/dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "There is no C compiler here, and no apt for root to install it with." >&2
  exit 0
fi
echo "Installing gcc for the tests that let disk and clock fail."
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev; } >/dev/null ||
  echo "gcc cannot be installed." >&2
