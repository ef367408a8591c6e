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

echo "# kill -9: the log and the documents still tell, down to kernels"
"$lathe" fit --headless -c demo/digits.yaml --run_name killed --trainer.max_epochs 500 >killed.log 2>&1 &
pid=$!
until "$lathe" profile killed/version_0 >living.txt 2>/dev/null && grep -q 'Time by phase over [1-9][0-9][0-9]* steps' living.txt; do sleep 0.2; done
"$lathe" ctl killed/version_0 profile | grep -q 'wrote runs/killed/version_0/profile.txt and trace.json' || wrong "on request"
grep -q 'Slowest kernels' runs/killed/version_0/profile.txt || wrong "no report on request"
tail -n 1 runs/killed/version_0/trace.json | grep -qx ']}' || wrong "no trace on request"
grep -q '"verdict":' runs/killed/version_0/documents/profile.json || wrong "nothing for screens"
kill -9 $pid
wait $pid 2>/dev/null || true
"$lathe" profile killed/version_0 >killed.txt || wrong "exit $?"
for words in 'cnn on cpu' '^data wait ' '^backward ' '^all .*100.0%' 'Slowest steps' '^Tree of the trainer' '^fit ' '^  step ' \
    '^    backward ' '^      features.0.0 conv2d ' '^  decode '; do
    grep -q -e "$words" killed.txt || wrong "no '$words' in $(cat killed.txt)"
done
cp runs/killed/version_0/documents/profile.json whole.json
for cut in 0 1 1000; do # a document cut short says nothing, the log still does
    head -c $cut whole.json >runs/killed/version_0/documents/profile.json
    "$lathe" profile killed/version_0 >cut.txt || wrong "exit $? of a document of $cut bytes"
    grep -q 'Slowest steps' cut.txt && ! grep -q '^fit ' cut.txt || wrong "a document of $cut bytes: $(cat cut.txt)"
done
"$lathe" profile --last 5 killed/version_0 | grep -q 'Time by phase over 5 steps' || wrong "--last"
"$lathe" profile whole/version_0 | grep -q 'whole/version_0/profile.txt says more' || wrong "no hint at the report"
! "$lathe" profile nobody 2>none.txt || wrong "a run that is not there"
grep -q "there is no run 'nobody'; lathe runs lists them" none.txt || wrong "$(cat none.txt)"
