#!/bin/sh
# family.sh NOTES stay|go - what a careless command of an agent's leaves behind.
#
# Each child ignores polite signals and writes "NAME PID" into NOTES, by which those are found too that have got rid of
# every mark. When all have, "ready" follows. With `stay` the command goes on for ever, with `go` it ends.
set -u

notes=$1
deaf='trap "" HUP INT TERM; echo "$0 $$" >>"$1"; exec sleep 1000'
leave='/bin/sh -c "$2" "$0" "$1" & exit'
exec </dev/null >/dev/null 2>&1

sh -c "$deaf" plain "$notes" &
nohup sh -c "$deaf" nohup "$notes" &
setsid sh -c "$deaf" session "$notes" &
(setsid sh -c "$leave" daemon "$notes" "$deaf" &)
env -i setsid /bin/sh -c "$deaf" bare "$notes" &
(env -i setsid /bin/sh -c "$leave" bare-daemon "$notes" "$deaf" &)
# A new process every moment.
setsid sh -c 'trap "" HUP INT TERM; echo "busy $$" >>"$1"; while :; do sleep 0.02; done' busy "$notes" &

until [ "$(wc -l <"$notes")" -ge 7 ]; do sleep 0.01; done
echo ready >>"$notes"
[ "$2" = go ] || exec sleep 1000
