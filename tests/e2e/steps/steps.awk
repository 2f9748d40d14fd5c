# steps.awk TRACE (strace -yy): the calls that change something, each as "name nth what path", the nth of that name. `what` is
# "staging": only in a folder that nobody reads; "live": what services read, what mailrepl remembers; "directory": a change of it;
# "out": said to somebody. Temporary names are without their random part. One that failed undisturbed changes nothing and is left out.
function path_of(line,   first, folder, name) {
	if (call ~ /^(rename|link|symlink)/) {
		match(line, /"[^"]*"[^"]*$/)
		line = substr(line, RSTART + 1)
		return substr(line, 1, index(line, "\"") - 1)
	}
	first = substr(line, index(line, "(") + 1)
	if (call ~ /at$/) {
		match(first, /<[^>]*>/)
		folder = substr(first, RSTART + 1, RLENGTH - 2)
		match(first, /"[^"]*"/)
		name = substr(first, RSTART + 1, RLENGTH - 2)
		return name ~ /^\// ? name : folder "/" name
	}
	if (first ~ /^"/) {
		match(first, /"[^"]*"/)
		return substr(first, 2, RLENGTH - 2)
	}
	match(first, /<[^>]*>/)
	return substr(first, RSTART + 1, RLENGTH - 2)
}
function kind_of(path) {
	if (path ~ /\/\.check-/)
		return "staging"
	if (path ~ /^\// && path !~ /^\/(dev|proc|memfd|root)/)
		return "live"
	return is_change($0) ? "directory" : "out"
}
# RFC 4511: a message is 0x30, length, its number, and what it is: modify, add, delete, modify DN.
function is_change(line) {
	return line ~ /^sendto\([0-9]+<UNIX-STREAM[^"]*"0(\\[0-9]+|[^\\])(\\[0-9]+)?(\\[0-9]+)?\\2\\1(\\[0-9]+|\\?.)[fhJl]/
}
{
	call = $0
	sub(/\(.*/, "", call)
	nth[call]++
	if (/ = -1 E/ || call !~ /^(write|writev|pwrite64|fsync|fdatasync|rename|renameat|renameat2|unlink|unlinkat|rmdir|openat|mkdir|mkdirat|ftruncate|fallocate|chmod|fchmod|fchmodat|chown|fchown|fchownat|lchown|link|linkat|symlink|symlinkat|sendto|sendmsg|utimensat)$/)
		next
	if (call == "openat" && !/O_CREAT|O_TMPFILE|O_WRONLY|O_RDWR/)
		next
	path = path_of($0)
	gsub(/mailrepl-......$/, "mailrepl-X", path)
	print call, nth[call], kind_of(path), path
}
