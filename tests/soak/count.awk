# count.awk: what became of the messages. Reads, in this order, the files
#   recipients  ADDRESS HOST MAILBOX; an address that was taken over has a line for each of its mailboxes
#   sent        MESSAGE-ID ADDRESS: was taken with 250
#   again       MESSAGE-ID ADDRESS: may have been taken
#   queued      MESSAGE-ID HOST: lies in the queue of a host that is gone for good
#   delivered   MESSAGE-ID HOST MAILBOX: lies there
# Prints how many were SENT LOST MISDELIVERED DOUBLED, and leaves lists of the last three in the folder. Misdelivered is also
# what nobody has sent.

function leave(what, line) {
	print line > (folder "/" what)
	number[what]++
}

FILENAME ~ /recipients$/ { home[$1, $2, $3] = 1; next }
FILENAME ~ /sent$/ { to[$1] = $2; taken[$1] = 1; sent++; next }
FILENAME ~ /again$/ { to[$1] = $2; next }
FILENAME ~ /queued$/ { queued[$1] = 1; next }
{
	copies[$1]++
	if (!($1 in to)) leave("misdelivered", $0 ": nobody has sent it")
	else if (!((to[$1], $2, $3) in home)) leave("misdelivered", $0 ": it was for " to[$1])
}

END {
	for (id in taken) if (!(id in copies) && !(id in queued)) leave("lost", id " " to[id])
	for (id in copies) if (copies[id] > 1) leave("doubled", id " " copies[id])
	print sent + 0, number["lost"] + 0, number["misdelivered"] + 0, number["doubled"] + 0
}
