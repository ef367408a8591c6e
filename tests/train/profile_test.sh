#!/bin/sh
# What a profiled run leaves: the report's times sum to the wall, the trace is what Chrome and Perfetto read, both also after Ctrl-C.
set -eu
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
lathe=$LATHE_BINARY
"$lathe" demo >/dev/null

wrong() {
    echo "WRONG: $*"
    exit 1
}

echo "# a finished run"
"$lathe" fit --headless -c demo/digits.yaml --run_name whole --trainer.max_epochs 3 --trainer.profiler advanced >whole.log 2>&1 ||
    wrong "exit $?"
report=runs/whole/version_0/profile.txt
for words in 'FIT Profiler Report' 'Time by phase over 135 steps' 'Slowest steps' 'Slowest kernels; the machine' '% of arithmetic' \
    'Other threads' '^ *decode ' '^    forward ' '^      features.0.0 conv2d '; do
    grep -q -e "$words" $report || wrong "no '$words' in $(cat $report)"
done
grep -q "profile: $(head -n 1 $report | cut -c 1-20)" whole.log || wrong "no verdict: $(cat whole.log)"
# the root's total, and the sum of all self times, are the time from the first step to the end
awk '/^\|  Total / { wall = $8 } /self times sum to/ { self = $(NF - 1) } /^fit / { root = $3 }
     END { if (wall <= 0 || self - root > 0.001 * root || root - self > 0.001 * root || root < 0.999 * wall || root > 1.05 * wall + 0.5) exit 1 }' $report ||
    wrong "times: $(grep -e Total -e 'sum to' -e '^fit' $report)"

echo "# Ctrl-C"
"$lathe" fit --headless -c demo/digits.yaml --run_name cut --trainer.max_epochs 500 --trainer.profiler advanced >cut.log 2>&1 &
pid=$!
until grep -q 'step [1-9]' cut.log 2>/dev/null; do sleep 0.05; done
kill -INT $pid
sleep 0.3
kill -INT $pid
code=0
wait $pid || code=$?
[ $code = 130 ] || wrong "exit $code"
grep -q 'Slowest steps' runs/cut/version_0/profile.txt || wrong "no report"
tail -n 1 runs/cut/version_0/trace.json | grep -qx ']}' || wrong "no trace"
