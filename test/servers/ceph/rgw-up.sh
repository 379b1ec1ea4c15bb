#!/usr/bin/env bash
# Starts a throw-away Ceph RADOS Gateway (S3) on loopback: one monitor, one OSD, one gateway, no manager.
#   rgw-up.sh EMPTY_DIR PORT
# Ports: PORT is the gateway, PORT+1 the monitor, PORT+10 to PORT+19 are the OSD's. rgw-down.sh EMPTY_DIR ends it, also
# when this script has failed or was stopped half-way.
#
# Ceph is Debian sid's (Ceph 20). Its packages are unpacked, not installed, once, below RGW_ROOT, which is by default
# ${XDG_CACHE_HOME:-~/.cache}/lora-storage/ceph-sid and takes about 600 MB. They run there by chroot in a mount namespace
# of their own, which needs Linux, root and, the first time, apt with Debian's keys.
#
# stdout: S3_ENDPOINT_URL=, AWS_ACCESS_KEY_ID=, AWS_SECRET_ACCESS_KEY=, S3_REGION=, VERSION=, and exit 0;
#         or UNAVAILABLE=why, and exit 69, where Ceph cannot be had. Exit 1: it can, and did not start. stderr: progress.
set -euo pipefail
usage='usage: rgw-up.sh EMPTY_DIR PORT'
dir=${1:?$usage}
port=${2:?$usage}
root=${RGW_ROOT:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/lora-storage/ceph-sid}
disk_gb=4
access_key=CEPHTESTACCESSKEY001
secret_key=cephTestSecretKey00000000000000000000001
# The gateway aborts on a locale that its root does not have.
export LC_ALL=C LANG=C
# Bash runs it when the command under way is over, so that a daemon is either not started or has its pid file.
trap 'exit 130' INT TERM

say() { echo "rgw-up: $*" >&2; }
fail() { say "$*"; exit 1; }
unavailable() { echo "UNAVAILABLE=$*"; exit 69; }
demand() {
  local program
  for program in "$@"; do command -v "$program" >/dev/null || unavailable "there is no $program"; done
}

# --- Ceph's programs, below $root --------------------------------------------------------------------------------------

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
debian_sources=/etc/apt/sources.list.d/debian.sources

# Whichever mirror of Debian this machine uses already.
mirror() {
  local found
  found=$(sed -n 's/^URIs: *//p' "$debian_sources" 2>/dev/null | head -1)
  echo "${found:-http://deb.debian.org/debian}"
}

unpack_ceph() {
  local apt=$root.apt new=$root.new deb name
  demand apt-get dpkg-deb tar
  [ -r "$keyring" ] || unavailable "there is no $keyring"
  say "unpacking Ceph below $root"
  rm -rf "$root" "$new" "$apt"
  mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial "$new"/usr/{bin,sbin,lib,lib64} "$new"/{proc,dev,sys,tmp}
  echo "deb [signed-by=$keyring] $(mirror) sid main" >"$apt/sources.list"
  # As if nothing were installed, so that all comes that it needs; and apart from what apt knows of this machine.
  local get=(timeout 600 apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o APT::Sandbox::User=root
    -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$apt/lists"
    -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1)
  local packages=(radosgw ceph-mon ceph-osd ceph-common bash coreutils)
  { "${get[@]}" update && "${get[@]}" install -y --no-install-recommends --download-only "${packages[@]}"; } \
    >"$apt/log" 2>&1 || { tail -5 "$apt/log" >&2; unavailable 'its packages could not be downloaded'; }
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$new/$name"; done
  for deb in "$apt"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$new" --keep-directory-symlink
  done
  rm -rf "$new"/usr/share/{doc,man,locale} "$apt"
  mv "$new" "$root"
}

[[ $OSTYPE == linux* ]] || unavailable 'it runs on Linux only'
[ "$EUID" -eq 0 ] || unavailable 'it needs root'
demand flock unshare mount chroot
unshare -m --propagation private true 2>/dev/null || unavailable 'this machine allows no mount namespaces'
mkdir -p "$dir" "$(dirname "$root")"
dir=$(cd "$dir" && pwd)
[ -z "$(ls -A "$dir")" ] || fail "$dir is not empty"
exec 9>"$root.lock"
flock 9
[ -d "$root" ] || unpack_ceph
exec 9>&-
mkdir -p "$root$(dirname "$dir")"

# How one of its programs is run: the folder has the same name inside as outside.
ceph_run() {
  # shellcheck disable=SC2016 # the inner shell expands them
  unshare -m --propagation private sh -c '
    root=$1; place=$2; shift 2
    for tree in proc dev sys; do mount --rbind "/$tree" "$root/$tree" || exit; done
    mount --bind "$place" "$root$place" && exec chroot "$root" "$@"
  ' sh "$root" "$(dirname "$dir")" "$@"
}

# --- One of each daemon ------------------------------------------------------------------------------------------------

conf=$dir/ceph.conf
fsid=$(cat /proc/sys/kernel/random/uuid)
monitor=v2:127.0.0.1:$((port + 1))/0
cat >"$conf" <<CONF
[global]
fsid = $fsid
mon host = $monitor
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
ms bind port min = $((port + 10))
ms bind port max = $((port + 19))
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
run dir = $dir
admin socket = $dir/\$name.asok
pid file = $dir/\$type.pid
log file = $dir/\$name.log
log to stderr = false
err to stderr = true
log flush on exit = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
# Full is when this machine is.
mon data avail warn = 1
mon data avail crit = 0
mon osd full ratio = 0.98
mon osd backfillfull ratio = 0.97
mon osd nearfull ratio = 0.96
osd failsafe full ratio = 0.99
[mon.a]
mon data = $dir/mon.a
mon cluster log file = $dir/cluster.log
rocksdb cache size = 33554432
paxos propose interval = 0.05
paxos min wait = 0.02
mon memory target = 268435456
[osd.0]
osd data = $dir/osd.0
osd objectstore = bluestore
bluestore block size = ${disk_gb}G
bluestore block create = true
bluestore block wal path =
bluestore block db path =
bluestore cache size = 134217728
bluestore cache autotune = false
osd memory target = 939524096
osd class load list = *
osd class default list = *
osd op num shards = 2
osd op num threads per shard = 1
osd max object name len = 2048
osd max object namespace len = 256
[client.rgw]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw init timeout = 60
rgw run sync thread = false
rgw dns name = s3.localhost
CONF
mkdir "$dir"/{mon.a,osd.0,rgw}

ask() { ceph_run timeout 20 ceph -c "$conf" --connect-timeout 10 "$@"; }
wait_for() {
  local tries=$1 what=$2
  shift 2
  for _ in $(seq "$tries"); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.2
  done
  fail "gave up waiting for $what"
}

started=$SECONDS
ceph_run monmaptool --create --clobber --fsid "$fsid" --enable-all-features --addv a "$monitor" "$dir/monmap" >/dev/null
ceph_run ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" >/dev/null
ceph_run ceph-mon -c "$conf" -i a </dev/null >"$dir/mon.out" 2>&1
wait_for 50 'the monitor' ask quorum_status

osd=$(cat /proc/sys/kernel/random/uuid)
ask osd new "$osd" 0 >/dev/null 2>&1
ceph_run ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd" >/dev/null 2>"$dir/mkfs.err" || fail "$(cat "$dir/mkfs.err")"
ceph_run ceph-osd -c "$conf" -i 0 </dev/null >"$dir/osd.out" 2>&1
osd_up() { ask osd stat | grep -q '1 up'; }
wait_for 60 'the OSD' osd_up

admin() { ceph_run timeout 90 radosgw-admin -c "$conf" -n client.rgw "$@"; }
admin user create --uid=test --display-name=test --access-key="$access_key" --secret-key="$secret_key" \
  >/dev/null 2>"$dir/user.err" || fail "$(tail -3 "$dir/user.err")"
ceph_run radosgw -c "$conf" -n client.rgw </dev/null >"$dir/rgw.out" 2>&1
# In a shell of its own: it would end with the first refusal.
serves() (
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET / HTTP/1.0\r\n\r\n' >&3
  read -r -t 3 status <&3
  [[ $status == *' 200 '* ]]
)
wait_for 200 'the gateway' serves
say "up in $((SECONDS - started)) s"

cat <<ANSWER
S3_ENDPOINT_URL=http://127.0.0.1:$port
AWS_ACCESS_KEY_ID=$access_key
AWS_SECRET_ACCESS_KEY=$secret_key
S3_REGION=us-east-1
VERSION=$(ceph_run radosgw --version | sed -n 's/^ceph version \([^ ]*\).*/\1/p')
ANSWER
