#!/bin/sh
# The screen on many terminals (tmux plays them): colours by terminfo, COLORTERM, NO_COLOR and --color, glyphs by locale and --glyphs,
# every theme, the settings file, the mouse, Ctrl-Z.
set -eu
. "$(dirname "$0")/terminal.sh"
$fit --headless >run.out 2>&1 &
until_so grep -q "val/acc" run.out
until_so "$lathe" ctl cnn pause
tell_tmux new-session -d -x 90 -y 26 -s s 'sleep 600'

attach() { # ENVIRONMENT FLAGS
    tell_tmux respawn-pane -k -t s "env $1 $lathe attach $2; echo EXIT \$?; sleep 600"
    expect 'paused  step'
    expect 'quit' # the last line, so all is drawn
}
has() { styled | LC_ALL=C grep -q -- "$1" || wrong "$opened: no $1"; }
has_not() { ! styled | LC_ALL=C grep -q -- "$1" || wrong "$opened: $1"; }
look() { opened="$1 $2" && attach "$1" "$2"; }

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
cat >direct.ti <<'END' # as ncurses has it, where it is installed
xterm-direct|colours by their parts,
	RGB, colors#0x1000000, pairs#0x10000,
	setab=\E[%?%p1%{8}%<%t4%p1%d%e48\:2\:\:%p1%{65536}%/%d\:%p1%{256}%/%{255}%&%d\:%p1%{255}%&%d%;m,
	setaf=\E[%?%p1%{8}%<%t3%p1%d%e38\:2\:\:%p1%{65536}%/%d\:%p1%{256}%/%{255}%&%d\:%p1%{255}%&%d%;m,
	use=xterm-256color,
END
tic -x -o terminfo direct.ti
look "TERM=xterm-direct TERMINFO_DIRS=$work/terminfo:" '' && has '38;2;95;175;255m' && has_not '38;5;'
look TERM=tmux-256color '' && has '38;5;75m'
look TERM=xterm-256color '--color never' && has_not '\[3[0-7]m' && has_not '38;'
rm "$XDG_CONFIG_HOME/lathe/themes/beside.theme"

echo "# the ladder of glyphs"
look TERM=xterm-256color '' && has "$(printf '\342[\240-\243]')" # braille
look TERM=xterm-256color '--glyphs blocks' && has_not "$(printf '\342[\240-\243]')" && has "$(printf '\342\226')"
for ascii in 'TERM=linux' 'TERM=vt100' 'TERM=xterm-256color LC_ALL=C' '-u LC_ALL -u LC_CTYPE TERM=screen LANG=C'; do
    look "$ascii" '' && ! screen | LC_ALL=C grep -q '[^ -~]' || wrong "$ascii: not ASCII"
done

echo "# a terminal that is not known, and none: said in words; a training goes on all the same, with plain lines"
tell_tmux respawn-pane -k -t s "env TERM=nonesuch $lathe attach; echo EXIT \$?; sleep 600"
expect 'attach needs a terminal: this terminal (TERM) is not known here'
status=0
"$lathe" attach </dev/null >said 2>&1 || status=$?
[ "$status" != 0 ] && grep -q 'attach needs a terminal: this is no terminal' said || wrong "$(cat said)"
"$lathe" fit -c demo/digits.yaml --run_name bare --trainer.max_epochs 1 </dev/null >said 2>&1
grep -q 'finished 1 epochs, 45 steps' said && ! grep -q "$(printf '\033')" said || wrong "$(cat said)"

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
tell_tmux respawn-pane -k -t s "env TERM=xterm-256color bash --norc"
keys "$lathe attach" Enter
expect 'paused  step'
[ "$(flag mouse_sgr_flag)$(flag alternate_on)$(flag cursor_flag)" = 110 ] || wrong 'no mouse'
keys C-z
expect 'Stopped'
[ "$(flag mouse_any_flag)$(flag alternate_on)$(flag cursor_flag)" = 001 ] || wrong 'the terminal is not given back'
resize 70 20
keys fg Enter
expect 'paused  step'
[ "$(flag mouse_sgr_flag)$(flag alternate_on)$(flag cursor_flag)" = 110 ] || wrong 'the screen is not back'
[ "$(screen | sed -n 1p | sed 's/.*paused/paused/')" ] || wrong 'not drawn at its new size'
keys q d
expect 'detached; the training goes on'
[ "$(flag mouse_any_flag)$(flag alternate_on)$(flag cursor_flag)" = 001 ] || wrong 'the terminal is not as before'
echo "all good"
