# Sourced by the tests of the screen, with LATHE_BINARY set: a folder of its own ($work, the current one) with the demo's data in it, and
# tmux as the terminal. Several terminals at a time are sessions: `session=second` turns to another one.
command -v tmux >/dev/null 2>&1 || { echo "SKIPPED: needs tmux"; exit 77; }
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work" XDG_CONFIG_HOME="$work/config" TERM=screen-256color LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM COLORFGBG TMUX
socket=lathe-$$
session=s
clean() { # what still runs in the folder goes with it
    cd /
    tmux -L "$socket" kill-server 2>/dev/null || true
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd" 2>/dev/null) in
        "$work"*) kill -KILL "${process#/proc/}" 2>/dev/null || true ;;
        esac
    done
    rm -rf "$work"
}
trap clean EXIT
cd "$work"
"$lathe" demo >/dev/null
fit="$lathe fit -c $work/demo/digits.yaml --trainer.max_epochs 20000 --trainer.num_threads 1 --data.num_workers 1"
tmux -L "$socket" -f /dev/null new-session -d -s keep 'sleep 6000' # the server outlives its terminals

tell_tmux() { tmux -L "$socket" "$@"; }
close() { tell_tmux kill-session -t "$session" 2>/dev/null || true; } # what runs in it gets SIGHUP
open() { # WIDTH HEIGHT COMMAND: a new terminal, the old one gone
    close
    tell_tmux new-session -d -x "$1" -y "$2" -s "$session" "$3; printf '\\r\\nEXIT %s\\r\\n' \$?; sleep 600"
}
resize() { tell_tmux resize-window -t "$session" -x "$1" -y "$2"; }
screen() { tell_tmux capture-pane -p -t "$session" 2>/dev/null; }
styled() { tell_tmux capture-pane -pe -t "$session"; }
flag() { tell_tmux display -p -t "$session" "#{$1}"; }
keys() { tell_tmux send-keys -t "$session" "$@"; }
step() { screen | sed -n '1s/.* step \([0-9]*\).*/\1/p'; }
wrong() {
    echo "WRONG: $*"
    screen
    exit 1
}
expect() { # WORDS: they appear within ten seconds
    i=0
    until screen | grep -qF -- "$1"; do
        i=$((i + 1))
        [ $i -lt 200 ] || wrong "never seen: $1"
        sleep 0.05
    done
}
until_so() { # COMMAND…: it is true within ten seconds
    i=0
    until "$@" >/dev/null 2>&1; do
        i=$((i + 1))
        [ $i -lt 200 ] || wrong "never so: $*"
        sleep 0.05
    done
}
past() { [ "$(step)" -gt "$1" ]; }
moves() { until_so past "$(step)"; } # the training goes on, and its screen shows it
gone() { ! kill -0 "$1"; }
viewer() { # the process of the screen in this terminal
    pgrep -P "$(tell_tmux list-panes -t "$session" -F '#{pane_pid}')" | head -n 1
}

# The training itself, whatever screens show: RUN is cnn unless $run says otherwise.
run=cnn
status() { "$lathe" ctl "$run" status --json | sed -n "s/.*\"$1\":\"*\([^\",}]*\).*/\1/p"; }
is() { [ "$(status "$1")" = "$2" ]; }
beyond() { [ "$(status step)" -gt "$1" ]; }
goes_on() { until_so beyond "$(status step)"; }
