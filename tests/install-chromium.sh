#!/bin/sh
# Installs Debian's Chromium, in which the tests use the dashboard. For root.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install -y --no-install-recommends chromium
