#!/bin/sh
# What changes something outside of domfs is a step at which domfs-die can die. Where it says that one is none, add the
# function to meson.build and tests/die.c.
#
# usage: steps.sh DOMFS-DIE LIBRARY...
set -eu
die=$1; shift
changing='^(vir|g_(spawn|subprocess|file_set|file_replace|mk|rename|unlink|remove|rmdir|chmod|creat))
^(posix_spawn|exec|v?fork|mk|rename|unlink|remove|rmdir|link|symlink|[lf]?ch(mod|own)|f?truncate|creat|fallocate|copy_file|kill|pidfd_send|qmp_ask)'
harmless='^g_spawn_check_wait_status$
^vir(Event|Typed|Set)|^vir.*(Get|List|Lookup|Is|Has|Num|Ref|Free|Open|Close|[Rr]egister|SetKeepAlive|Current)'
steps=$(nm "$die" | sed -n 's/.* T __wrap_//p')
bad=0

for f in $(nm -u "$@" | sed -n 's/^ *U //p' | grep -E "$changing" | grep -vE "$harmless" | sort -u); do
	echo "$steps" | grep -qx "$f" || { echo "$f is no step"; bad=1; }
done
[ -n "$steps" ]
exit $bad
