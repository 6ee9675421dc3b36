#!/bin/sh
# Installs Debian's redis-server without letting its service run: the council starts servers of its own, on Unix sockets, and
# must not leave one listening on port 6379. For root; a script of its own, so that it tidies up even if the council is killed.
set -eu
export DEBIAN_FRONTEND=noninteractive
# Packages install files for every user, whatever the caller's umask.
umask 022

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  # 101 is "action forbidden": package scripts ask this file before they start a service, with systemd and without.
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt-get -q update
apt-get -q install -y --no-install-recommends redis-server

# Neither now nor after the next boot; on machines without an init system there is nothing to disable.
update-rc.d redis-server disable || true
