# Sourced by the comparisons: waits up to two minutes until the machine's load of the last minute is below IDLE (0.3; empty:
# no waiting), and says so where it stays above.
idle=${IDLE-0.3}
if [ -n "$idle" ] && [ -r /proc/loadavg ]; then
    tries=0
    while [ "$tries" -lt 12 ] && ! awk -v most="$idle" '{ exit !($1 < most) }' /proc/loadavg; do
        sleep 10
        tries=$((tries + 1))
    done
    awk -v most="$idle" -v name="$(basename "$0")" \
        '$1 >= most { print name ": the load is " $1 ", these figures are disturbed" > "/dev/stderr" }' /proc/loadavg
fi
