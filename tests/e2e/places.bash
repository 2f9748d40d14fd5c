# shellcheck shell=bash
# At which system calls a command can be disturbed.

# places TRACE: calls that write, as "name nth fd": strace counts the calls of each name apart. One that failed undisturbed
# (the folder is there already) changes nothing, and is none.
places() {
	awk '{
		split($0, part, /[(,]/); name = part[1]; nth = ++seen[name]
		if (/ = -1 E/) next
		if (name == "openat" && $0 !~ /O_CREAT|O_TMPFILE|O_WRONLY|O_RDWR/) next
		if (name ~ /^(write|writev|pwrite64|fsync|fdatasync|rename|renameat|renameat2|unlink|unlinkat|rmdir|openat|mkdir|mkdirat|ftruncate|fallocate|chmod|fchmod|fchmodat|chown|fchown|fchownat|lchown|link|linkat|symlink|symlinkat|sendto|sendmsg)$/)
			print name, nth, part[2] }' "$1"
}

# sample OFFSET: $count lines of the input, evenly spread.
sample() {
	awk -v count="$count" -v offset="$1" '{ row[NR] = $0 }
		END { step = NR / count; if (step < 1) { step = 1; offset = 0 }
			for (i = 1 + offset * step; i <= NR; i += step) print row[int(i)] }'
}

# own_points TRACE: a sample of calls for each kind of fault, as "kind name nth fd": those that a disk which is full, or which is
# broken, lets fail. Where the output goes no disk is.
own_points() {
	places "$1" | sed 's/^/KILL /' | sample 0.15
	places "$1" | awk '!($1 ~ /^write/ && $3 <= 2) && $1 ~ /^(write|writev|pwrite64|fsync|fdatasync|rename.*|link.*|symlink.*|openat|mkdir.*|ftruncate|fallocate)$/' |
		sed 's/^/ENOSPC /' | sample 0.5
	places "$1" | awk '!($1 ~ /^write/ && $3 <= 2)' | sed 's/^/EIO /' | sample 0.85
}

# slapadd_points: the same of the program that fills databases.
slapadd_points() {
	printf '%s\n' {KILL,ENOSPC,EIO}" pwrite64 "{1,3}" slapadd" {KILL,ENOSPC,EIO}" write 3 slapadd"
}
