#!/bin/sh
# lathe bench: the table and the JSON are whole, wrong input is refused. What is measured depends on the machine.
set -eu
lathe=${LATHE_BINARY:?}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fail() { echo "WRONG: $1" >&2; exit 1; }

"$lathe" demo >/dev/null
"$lathe" bench -c demo/digits.yaml --steps 2 >text || fail "bench"
for word in 'matrix product, float32' 'matrix product, bfloat16' GB/s pictures/s 'conv2d 3x3 .*backward' 'batch_norm .*forward'; do
    grep -q "$word" text || fail "no '$word' in: $(cat text)"
done
# shares add up to the whole
awk '$2 == "forward" || $2 == "backward" || $3 == "forward" || $3 == "backward" { for (i = 1; i <= NF; i++) if ($i ~ /%$/) { sum += $i; break } }
    END { exit !(sum > 99 && sum < 101) }' text || fail "the shares do not add up: $(cat text)"
"$lathe" bench --json >json || fail "bench --json"
grep -q '"bandwidth": [0-9]' json || fail "$(cat json)"
! "$lathe" bench --steps none 2>text || fail "--steps none"
grep -q 'no number of steps' text || fail "$(cat text)"
! "$lathe" bench run.yaml 2>text || fail "a file without -c"
grep -q -- '-c run.yaml' text || fail "$(cat text)"
