#!/bin/bash
# What the README shows is what one sees, but for the time of day: each command is run, and its output compared.
. tests/lib.sh
readme=$PWD/README.md
export FAKE_NAME=web
mkdir "$tmp/srv"
mount_fake

# As one line; a listing has columns only on a terminal.
flat() {
	sed "s,$tmp/srv,/srv,g; s,$mnt,/vm,g; s/^[0-9-]*T[0-9:]*Z /TIME /" | xargs -d '\n' -r echo | tr -s ' '
}
check() {
	[ -n "$command" ] || return 0
	case $command in domfs*) return 0 ;; esac               # it is mounted
	said=$(bash -c "$(sed "s,/vm\>,$mnt,g; s,/srv\>,$tmp/srv,g" <<< "$command")" 2>&1) || :
	is "$(flat <<< "$expected")" "$(flat <<< "$said")"
	checked=$((checked + 1))
}

command='' expected='' checked=0
while IFS= read -r line; do
	case $line in
	'    $ '*) check; command=${line#*$ } expected='' ;;
	'    '*)   expected+=${expected:+$'\n'}${line#    } ;;
	'## '*)    check; break ;;
	esac
done < "$readme"
[ "$checked" -ge 10 ]
