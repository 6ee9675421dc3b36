#!/bin/sh
# Installs Debian's redis-server and keeps its service from running: the council starts its own servers on Unix sockets, and no
# other may listen on port 6379. Runs as root. It is a separate script, so that it cleans up even if the council is killed.
set -eu
export DEBIAN_FRONTEND=noninteractive
# Packages install files for every user; the caller's umask must not restrict them.
umask 022

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  # Package scripts run this file before they start a service, with systemd and without; 101 means "action forbidden".
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt-get -q update
apt-get -q install -y --no-install-recommends redis-server

# The service must not start at the next boot either. A machine without an init system has nothing to disable.
update-rc.d redis-server disable || true
