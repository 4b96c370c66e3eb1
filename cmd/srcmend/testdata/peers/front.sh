#!/bin/sh
# patch(1) in front of "srcmend patch", for suites that call patch(1).
# $SRCMEND is the program.
#
# Options that say nothing about the files that are patched are dropped, such as
# those about backups and rejects, which srcmend never writes. What it has no
# counterpart for ends with status 2, as wrong usage does.

files=
before=
dropValue=
for arg; do
	shift
	if test -n "$before"; then # the value of the option before
		set -- "$@" "$before" "$arg"
		before=
		continue
	fi
	if test -n "$dropValue"; then
		dropValue=
		continue
	fi
	if test -n "$files"; then
		set -- "$@" "$arg"
		continue
	fi
	case $arg in
	--) files=1 set -- "$@" -- ;;
	-i | -p | -d | -F) before=$arg ;;
	-i?* | -p?* | -d?* | -F?*) set -- "$@" "$arg" ;;
	-R | -N | -f | -s | -E | --dry-run | --reverse | --forward | --force) set -- "$@" "$arg" ;;
	-t | --batch | -b | --backup | --no-backup-if-mismatch | -u | --unified | --verbose | --set-utc) ;;
	-r | -B | -Y | -z) dropValue=1 ;;
	-r?* | -B?* | -Y?* | -z?* | --reject-format=*) ;;
	-*)
		echo "srcmend patch has no $arg" >&2
		exit 2
		;;
	*) set -- "$@" "$arg" ;;
	esac
done
"$SRCMEND" patch "$@"
status=$?
test $status -ne 3 || status=1 # a patch that does not fit
exit $status
