#!/bin/sh
# git in front of git. Of each "apply" and "am" it keeps what is needed to do the
# same with another program, in a folder of its own below $RECORD:
#
#	args      the arguments, each ended by a NUL
#	stdin     its input
#	operand.N the file that the N-th argument names, from 1
#	folder    where it was called, relative to the work tree; empty for the top
#	config    what the repository sets
#	before/ after/  the work tree
#	status    how it ended; missing if it did not
#
# $REALGIT is git, $RECORDLOG what the calling script has said so far. From that
# the folder gets its name: the script, the number of its test, and the number
# of the call in that test.

verb=
skip=
for arg; do
	if test -n "$skip"; then
		skip=
		continue
	fi
	case $arg in
	-c | -C | --git-dir | --work-tree) skip=1 ;;
	-*) ;;
	*)
		verb=$arg
		break
		;;
	esac
done
case $verb in
apply | am) ;;
*) exec "$REALGIT" "$@" ;;
esac

script=$(basename "$RECORDLOG" .log)
before=$(grep -c -e '^ok ' -e '^not ok ' "$RECORDLOG")
number=1
while ! mkdir "$RECORD/$script.$((before + 1)).$number" 2>/dev/null; do
	number=$((number + 1))
done
call=$RECORD/$script.$((before + 1)).$number
mkdir "$call/before" "$call/after"

here=$(pwd)
top=$("$REALGIT" rev-parse --show-toplevel 2>/dev/null)
test -n "$top" || top=$here
keep() {
	(cd "$top" && tar -cf - --exclude=.git .) | tar -xpf - -C "$1"
}

printf '%s\0' "$@" >"$call/args"
printf '%s' "${here#"$top"}" >"$call/folder"
"$REALGIT" config --list >"$call/config" 2>/dev/null
cat >"$call/stdin"
number=0
for arg; do
	number=$((number + 1))
	test ! -f "$arg" || cp -- "$arg" "$call/operand.$number"
done
keep "$call/before"
"$REALGIT" "$@" <"$call/stdin" >"$call/out" 2>"$call/err"
status=$?
keep "$call/after"
echo $status >"$call/status"
cat "$call/out"
cat "$call/err" >&2
exit $status
