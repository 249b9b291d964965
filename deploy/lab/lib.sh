# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the lab is made of; read by up, down and demo.
#
#     client -- edge -- west -- middle -- east -- edge -- client
#                |                                 |
#             Chicago                           New York
#
# Each name is a network namespace, HITHER_LAB-NAME. The edges and the three core routers run BIRD, with eBGP on every
# link. Each PoP runs hitherd, with the same configuration, byte for byte.

LAB=${HITHER_LAB:-hither}
LAB_RUN=/run/$LAB-lab
LAB_DIRECTORY=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

SERVICE4=203.0.113.53
SERVICE6=2001:db8:53::53

pops=(chicago newyork)
routers=(chicago-edge west middle east newyork-edge) # in this order, router N is AS 64500 + N, from 1
hosts=(chicago newyork chicago-client newyork-client)

# Link N has 10.0.N.0/30 and fd00:0:0:N::/64; the first named has the address that ends in 1, the second in 2.
# An interface is called as the node at its other end.
links=(
    "chicago-edge chicago"
    "chicago-edge chicago-client"
    "chicago-edge west"
    "west middle"
    "middle east"
    "east newyork-edge"
    "newyork-edge newyork"
    "newyork-edge newyork-client"
)

# Where hitherd and hither are: the build directory that the lab was brought up with.
lab_programs() {
    LAB_PROGRAMS=$(cat "$LAB_RUN/programs" 2>/dev/null || echo "${HITHER_BUILD:-$LAB_DIRECTORY/../../build}/server")
}
lab_programs

ns() { # NODE COMMAND...: runs it there
    local node=$1
    shift
    ip netns exec "$LAB-$node" "$@"
}

# start NODE NAME COMMAND...: runs it there in the background and remembers its process. Output goes to NAME.log.
# Everything on the way is an exec, so the process that is remembered is the daemon's own.
start() {
    local node=$1 name=$2
    shift 2
    setsid ip netns exec "$LAB-$node" "$@" </dev/null >>"$LAB_RUN/$name.log" 2>&1 &
    echo "$! $(process_began $!)" >"$LAB_RUN/$name.pid"
    disown $!
}

# When the process began, in ticks since boot: a number that nobody else's process with this id has. Nothing when
# it is dead, or a zombie that its parent hasn't asked for.
process_began() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# pid NAME: of a daemon that runs; fails when it doesn't.
pid() {
    local id began
    read -r id began 2>/dev/null <"$LAB_RUN/$1.pid" || return 1
    [ -n "$began" ] && [ "$(process_began "$id")" = "$began" ] && echo "$id"
}

# ended PID...: waits until each has died
ended() {
    local id
    for id; do
        while [ -n "$(process_began "$id")" ]; do sleep 0.01; done
    done
}

# start_pop POP: hitherd, on a host that is called POP.
start_pop() {
    # shellcheck disable=SC2016
    start "$1" "$1" unshare --uts sh -c 'hostname "$1" && exec "$2" -c "$3"' sh \
        "$1" "$LAB_PROGRAMS/hitherd" "$LAB_RUN/$1/hither.yaml"
}

# kill_pop POP: every process of hither there dies at once, as when the machine's memory is full.
kill_pop() {
    local id ids
    id=$(pid "$1")
    mapfile -t ids < <(ps -o pid= --ppid "$id" | tr -d ' ')
    kill -KILL "$id" "${ids[@]}" 2>/dev/null || true
    ended "$id" "${ids[@]}"
}

# control POP COMMAND...: the hither command, at that PoP
control() {
    local pop=$1
    shift
    ns "$pop" "$LAB_PROGRAMS/hither" -c "$LAB_RUN/$pop/hither.yaml" "$@"
}

# who CLIENT ADDRESS: the name (NSID) of the PoP that answers that client; nothing when none does
who() {
    ns "$1" dig @"$2" example.com SOA +nsid +time=1 +tries=1 2>/dev/null | sed -n 's/^; NSID:.*("\(.*\)").*/\1/p'
}

# eventually SECONDS WHAT COMMAND...: tries until the command succeeds
eventually() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    while ! "$@"; do
        if [ $SECONDS -ge $until ]; then
            echo "The lab waited in vain: $what" >&2
            return 1
        fi
        sleep 0.1
    done
}

# near CLIENT POP: both address families are answered by that PoP
near() {
    [ "$(who "$1" $SERVICE4)" = "$2" ] && [ "$(who "$1" $SERVICE6)" = "$2" ]
}

need_root() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "The lab makes network namespaces, which needs root: sudo $0" >&2
        exit 1
    fi
}
