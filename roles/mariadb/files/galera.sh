#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# MariaDB as a member of a Galera cluster: how it starts, what it knows of itself, and when it may stop.
#
# A member finds its position before it starts. Without that a cluster that lost power would go on from whatever each member has, and
# throw away what only some of them have. Only one member may start the cluster anew: the one that holds the file "bootstrap" with the very
# position of its data. The file is used up by that start, so that an interrupted run or a restart cannot make a second cluster.
set -eu

data=${GALERA_DATA:-/var/lib/mysql}
nobody=00000000-0000-0000-0000-000000000000

state() { # name of a line of grastate.dat
    sed -n "s/^$1: *//p" "$data/grastate.dat" 2>/dev/null || true
}

has_data() { # a state transfer that was interrupted has left none that could be used
    [ -d "$data/mysql" ] && [ ! -e "$data/sst_in_progress" ]
}

status() { # names of status variables; prints "name value" lines
    names=$(printf "'%s'," "$@")
    mariadb --connect-timeout=5 --batch --skip-column-names -e "SHOW GLOBAL STATUS WHERE Variable_name IN (${names%,})"
}

value() { # name, lines of status
    printf '%s\n' "$2" | sed -n "s/^$1[[:space:]]*//p"
}

position() { # of the data of a server that does not run, as UUID:NUMBER
    option=$(galera_recovery) || return 1
    [ -n "$option" ] || { echo "the configuration of the cluster is not there" >&2; return 1; }
    option=${option#--wsrep_start_position=}
    printf '%s\n' "${option%%,*}"
}

facts() { # cluster, position, whether it serves, whether it has data
    [ "$1" = $nobody ] && set -- "" "$2" "$3" "$4"
    [ "$2" -ge 0 ] 2>/dev/null || set -- "$1" null "$3" "$4"
    printf '{"cluster": "%s", "position": %s, "serving": %s, "data": %s}\n' "$@"
}

others() { # addresses of the other members
    own=$(my_print_defaults mariadbd | sed -n 's/^--wsrep_node_address=//p')
    my_print_defaults mariadbd | sed -n 's/^--wsrep_cluster_address=gcomm:\/\///p' | tr ',' '\n' | grep -vxF "$own" || true
}

state_of() { # address of a member; prints what it calls its state
    address=${1#[}
    port=$(my_print_defaults mariadbd | sed -n 's/^--port=//p')
    mariadb --no-defaults --protocol=tcp --host="${address%]}" --port="$port" --user=haproxy --connect-timeout=3 --batch \
        --skip-column-names -e "SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'" 2>&1 | sed '/^WARNING: option --ssl-verify/d; s/^wsrep_local_state_comment[[:space:]]*//'
}

case ${1:-} in
start)
    # an empty one would keep it waiting for ever
    [ -s "$data/gvwstate.dat" ] || rm -f "$data/gvwstate.dat"
    has_data || exec mariadbd
    found=$(position)
    if [ -e "$data/bootstrap" ]; then
        allowed=$(cat "$data/bootstrap")
        rm -f "$data/bootstrap"
        if [ "$allowed" = "$found" ]; then
            rm -f "$data/gvwstate.dat"
            [ ! -e "$data/grastate.dat" ] || sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' "$data/grastate.dat"
            exec mariadbd "--wsrep_start_position=$found" --wsrep-new-cluster
        fi
        echo "this member may start the cluster at position $allowed, but is at $found: it does not" >&2
    fi
    exec mariadbd "--wsrep_start_position=$found"
    ;;
facts)
    if answer=$(status wsrep_cluster_state_uuid wsrep_last_committed wsrep_cluster_status wsrep_ready 2>/dev/null); then
        serving=false
        [ "$(value wsrep_cluster_status "$answer")$(value wsrep_ready "$answer")" != PrimaryON ] || serving=true
        facts "$(value wsrep_cluster_state_uuid "$answer")" "$(value wsrep_last_committed "$answer")" $serving true
    elif [ $$ != 1 ]; then
        # a container runs, and this is not its first process: it waits for the others, or gets its data from one
        kept=$(state uuid)
        has_data && [ -n "$kept" ] && [ "$kept" != $nobody ] && facts "$kept" "$(state seqno)" false true || facts "" -1 false false
    elif has_data; then
        if [ ! -e "$data/grastate.dat" ] && ! my_print_defaults mariadbd | grep -q '^--wsrep_on='; then
            facts "" -1 false true
        else
            found=$(position)
            facts "${found%%:*}" "${found##*:}" false true
        fi
    else
        facts "" -1 false false
    fi
    ;;
seed)
    if ! has_data; then
        find "$data" -mindepth 1 -delete
        mariadb-install-db --auth-root-authentication-method=socket --auth-root-socket-user=mysql --skip-test-db
    fi
    # what a former cluster has left: its members must not take this one for theirs
    rm -f "$data/grastate.dat" "$data/gvwstate.dat" "$data/galera.cache"
    position >"$data/bootstrap"
    ;;
join)
    if has_data; then
        echo "there are data in $data; remove the volume if they are not wanted" >&2
        exit 1
    fi
    find "$data" -mindepth 1 -delete
    ;;
recover)
    echo "$CLUSTER_ID:$CLUSTER_POSITION" >"$data/bootstrap"
    ;;
healthcheck)
    if ! answer=$(status wsrep_cluster_status wsrep_local_state_comment wsrep_ready 2>&1); then
        echo "it does not answer: it waits for $(others | tr '\n' ' ')or gets its data from one of them, or is broken; see its log ($answer)"
        exit 1
    fi
    if [ "$(value wsrep_cluster_status "$answer")$(value wsrep_ready "$answer")" != PrimaryON ]; then
        echo "it runs, but is cut off: $(value wsrep_local_state_comment "$answer"); it waits for $(others | tr '\n' ' ')"
        exit 1
    fi
    mariadb --connect-timeout=5 -e "SELECT COUNT(*) FROM mysql.global_priv" >/dev/null
    ;;
may-stop)
    # one that does no work may be repaired
    status wsrep_cluster_status 2>/dev/null | grep -q '[[:space:]]Primary$' || exit 0
    failed=0
    for other in $(others); do
        found=$(state_of "$other") || true
        [ "$found" = Synced ] || { echo "$other is not synced: ${found:-no answer}"; failed=1; }
    done
    exit $failed
    ;;
leave)
    # what others write once it has left would be lost; the file with the configuration may be that of its successor already
    answer=$(status wsrep_cluster_status wsrep_local_state_comment wsrep_incoming_addresses)
    found=$(value wsrep_cluster_status "$answer")$(value wsrep_local_state_comment "$answer")
    [ "$found" = PrimarySynced ] || {
        echo "it lacks data or contact (state $found); wait until 'docker exec mariadb galera healthcheck' succeeds"
        exit 1
    }
    own=$(mariadb --connect-timeout=5 --batch --skip-column-names -e "SELECT @@wsrep_node_address")
    value wsrep_incoming_addresses "$answer" | tr ',' '\n' | sed 's/:[0-9]*$//' | grep -vxF "$own" | tr -d '[]' | sort || true
    ;;
ready)
    found=$(value wsrep_local_state_comment "$(status wsrep_local_state_comment)")
    [ "$found" = Synced ] || { echo "its state is $found"; exit 1; }
    ;;
*)
    echo "usage: galera start|facts|seed|join|recover|healthcheck|may-stop|leave|ready" >&2
    exit 2
    ;;
esac
