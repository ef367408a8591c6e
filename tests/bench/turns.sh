#!/bin/sh
# sh tests/bench/turns.sh OLD NEW MODEL BATCH SIZE THREADS STEPS PRECISION: two builds of bench_step take their steps in
# turns, so that whatever slows the machine slows both; prints how many times faster NEW is (the median of the pairs'
# ratios, and between what half of them lie), forward, backward and all. Who comes second is a few percent slower, so
# they take turns in that too. The first two pairs warm up.
set -eu
[ $# -eq 8 ] || {
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
}
old=$1 new=$2
shift 2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkfifo "$out/to.old" "$out/from.old" "$out/to.new" "$out/from.new"
"$old" "$@" turns <"$out/to.old" >"$out/from.old" &
"$new" "$@" turns <"$out/to.new" >"$out/from.new" &
exec 3>"$out/to.old" 4<"$out/from.old" 5>"$out/to.new" 6<"$out/from.new"
old_step() {
    echo >&3
    read -r a <&4
}
for step in $(seq "$5"); do
    [ $((step % 2)) -eq 0 ] || old_step
    echo >&5
    read -r b <&6
    [ $((step % 2)) -eq 1 ] || old_step
    [ "$step" -le 2 ] || echo "$a $b"
done >"$out/pairs"
wait
for what in 2:forward 4:backward 8:all; do
    awk -v k="${what%:*}" '{ print $k / $(k + 9) }' "$out/pairs" | sort -n |
        awk -v name="${what#*:}" '{ r[NR] = $1 }
            END { printf "%-9s %.3f times (%.3f to %.3f)\n", name, r[int((NR + 1) / 2)], r[int((NR + 3) / 4)], r[int((3 * NR + 1) / 4)] }'
done
awk '{ print $8 }' "$out/pairs" | sort -n | awk '{ r[NR] = $1 } END { printf "a step of OLD: %.1f ms\n", r[int((NR + 1) / 2)] }'
