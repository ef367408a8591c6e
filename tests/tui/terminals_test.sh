#!/bin/sh
# The screen on many terminals (tmux plays them): colours by terminfo, COLORTERM, NO_COLOR and --color, glyphs by locale and --glyphs,
# every theme, the settings file, the mouse, Ctrl-Z.
set -eu
command -v tmux >/dev/null 2>&1 || { echo "SKIPPED: needs tmux"; exit 77; }
lathe=$LATHE_BINARY
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work" XDG_CONFIG_HOME="$work/config" LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM COLORFGBG TMUX
socket=lathe-terminals-$$
clean() {
    tmux -L "$socket" kill-server 2>/dev/null || true
    "$lathe" ctl runs/cnn/version_0 stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT
cd "$work"
"$lathe" demo >/dev/null
"$lathe" fit -c demo/digits.yaml --headless --trainer.max_epochs 2000 >run.out 2>&1 &
i=0
until grep -q "val/acc" run.out && "$lathe" ctl runs/cnn/version_0 pause >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "the run does not start"; cat run.out; exit 1; }
    sleep 0.1
done
tmux -L "$socket" -f /dev/null new-session -d -x 90 -y 26 -s s 'sleep 600'

screen() { tmux -L "$socket" capture-pane -p -t s; }
styled() { tmux -L "$socket" capture-pane -pe -t s; }
flag() { tmux -L "$socket" display -p -t s "#{$1}"; }
keys() { tmux -L "$socket" send-keys -t s "$@"; }
wrong() { echo "WRONG: $1"; screen; exit 1; }
expect() { # WORDS: they appear within ten seconds
    i=0
    until screen | grep -qF -- "$1"; do
        i=$((i + 1))
        [ $i -lt 100 ] || wrong "never seen: $1"
        sleep 0.1
    done
}
open() { # ENVIRONMENT FLAGS
    tmux -L "$socket" respawn-pane -k -t s "env $1 $lathe attach $2; echo EXIT \$?; sleep 600"
    expect 'paused  step'
    expect 'quit' # the last line, so all is drawn
}
has() { styled | LC_ALL=C grep -q -- "$1" || wrong "$opened: no $1"; }
has_not() { ! styled | LC_ALL=C grep -q -- "$1" || wrong "$opened: $1"; }
look() { opened="$1 $2" && open "$1" "$2"; }

echo "# the ladder of colours; those of the cube are told by their number, which is shorter"
mkdir -p "$XDG_CONFIG_HOME/lathe/themes"
printf 'base = dark\ntrain = #5fafee\n' >"$XDG_CONFIG_HOME/lathe/themes/beside.theme"
look TERM=xterm-256color '' && has '38;5;75m' && has_not '38;2;'
look 'TERM=xterm-256color COLORTERM=truecolor' '' && has '38;5;75m' && has_not '38;2;'
look 'TERM=xterm-256color COLORTERM=truecolor' '--theme beside' && has '38;2;95;175;238m' && has '38;5;75m'
look 'TERM=xterm-256color' '--theme beside' && has '38;5;75m' && has_not '38;2;'
look 'TERM=xterm-256color COLORTERM=truecolor' '--color 256' && has '38;5;75m' && has_not '38;2;'
look TERM=xterm-256color '--color 24bit --theme beside' && has '38;2;95;175;238m'
look '-u TMUX TERM=screen-256color COLORTERM=truecolor' '' && has '38;5;75m' && has_not '38;2;'
look TERM=screen '' && has '34m' && has_not '38;'
look TERM=xterm-256color '--color 16' && has_not '38;2;' && has_not '38;5;[0-9][0-9]'
look TERM=xterm-256color '--color 8' && has '34m' && has_not '38;'
for plain in 'TERM=xterm-256color NO_COLOR=1' 'TERM=vt100'; do
    look "$plain" '' && has_not '\[3[0-7]m' && has_not '38;' && has '\[1m'
done
look TERM=xterm-256color '--color never' && has_not '\[3[0-7]m' && has_not '38;'
rm "$XDG_CONFIG_HOME/lathe/themes/beside.theme"

echo "# the ladder of glyphs"
look TERM=xterm-256color '' && has "$(printf '\342[\240-\243]')" # braille
look TERM=xterm-256color '--glyphs blocks' && has_not "$(printf '\342[\240-\243]')" && has "$(printf '\342\226')"
for ascii in 'TERM=linux' 'TERM=vt100' 'TERM=xterm-256color LC_ALL=C'; do
    look "$ascii" '' && ! screen | LC_ALL=C grep -q '[^ -~]' || wrong "$ascii: not ASCII"
done

echo "# every theme; an unknown one lists them"
status=0
"$lathe" fit -c demo/digits.yaml --theme nonesuch 2>list || status=$?
[ "$status" != 0 ] && grep -q 'there are clear, dark, dusk' list || { cat list; exit 1; }
for theme in clear dark dusk ember high_contrast light mono nord paper solarized; do look TERM=tmux-256color "--theme $theme"; done
look TERM=tmux-256color '--theme light' && has '48;5;231m'

echo "# settings, and flags over them; damaged ones are told and do no harm"
mkdir -p config/lathe/themes
printf 'theme = mine\nglyphs = ascii\nmouse = off\n' >config/lathe/settings
printf 'base = dark\ntitle = #ff8700 underline\n' >config/lathe/themes/mine.theme
look TERM=xterm-256color '' && has '38;5;208m' && ! screen | LC_ALL=C grep -q '[^ -~]' || wrong 'settings: not ASCII'
[ "$(flag mouse_any_flag)" = 0 ] || wrong 'the mouse is taken'
look TERM=xterm-256color '--theme dark --glyphs braille' && has_not '38;5;208m' && has "$(printf '\342[\240-\243]')"
printf 'theme = gone\n' >config/lathe/settings
look TERM=xterm-256color ''
keys q d
expect 'the settings are not all obeyed'
rm config/lathe/settings

echo "# the mouse is the screen's only while there is a screen; Ctrl-Z and fg"
look TERM=xterm-256color '--no-mouse' && [ "$(flag mouse_any_flag)" = 0 ] || wrong 'the mouse is taken'
tmux -L "$socket" respawn-pane -k -t s "env TERM=xterm-256color bash --norc"
keys "$lathe attach" Enter
expect 'paused  step'
[ "$(flag mouse_sgr_flag)$(flag alternate_on)$(flag cursor_flag)" = 110 ] || wrong 'no mouse'
keys C-z
expect 'Stopped'
[ "$(flag mouse_any_flag)$(flag alternate_on)$(flag cursor_flag)" = 001 ] || wrong 'the terminal is not given back'
tmux -L "$socket" resize-window -t s -x 70 -y 20
keys fg Enter
expect 'paused  step'
[ "$(flag mouse_sgr_flag)$(flag alternate_on)$(flag cursor_flag)" = 110 ] || wrong 'the screen is not back'
[ "$(screen | sed -n 1p | sed 's/.*paused/paused/')" ] || wrong 'not drawn at its new size'
keys q d
expect 'detached; the training goes on'
[ "$(flag mouse_any_flag)$(flag alternate_on)$(flag cursor_flag)" = 001 ] || wrong 'the terminal is not as before'
echo "all good"
