#!/bin/sh
# Have Debian's Chromium for the tests in a browser, where it can be had: as root, with apt.
# Without it those tests are skipped, except in CI, where they fail.
set -eu

if command -v chromium >/dev/null; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "There is no chromium here, and no apt for root to install it with." >&2
  exit 0
fi
echo "Installing chromium for the tests in a browser."
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null ||
  echo "chromium cannot be installed." >&2
