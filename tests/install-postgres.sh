#!/bin/sh
# Installs Debian's PostgreSQL without a cluster and without letting a service run: the tests make clusters of their own, and
# must not leave one listening on port 5432. For root; a script of its own, so that it tidies up even if the test run is killed.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  # 101 is "action forbidden": package scripts ask this file before they start a service, with systemd and without.
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

apt-get -q update
# First the part that says whether installing the server makes a cluster, then the server.
apt-get -q install -y --no-install-recommends postgresql-common
if ! grep -q '^create_main_cluster' /etc/postgresql-common/createcluster.conf; then
  echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf
fi
apt-get -q install -y --no-install-recommends postgresql
