# One address a line, divided by tabs: it, the first digits that a stranger and a program of the relay get from Postfix,
# what Postfix' tables make of it; the address, the two digits and cl-route's fate with Exim, what Exim makes of it.
# Prints the lines that disagree, then their number.
function differs(why) {
	print $1 ": " why " (Postfix " $2 $3 " " $4 ", Exim " $6 $7 " " $9 ", cl-route " $8 ")"
	wrong++
}

{
	domain = tolower($1)
	sub(/.*@/, "", domain)
	ours = index(" " domains " ", " " domain " ")
	digit = $8 == "deliverable" ? 2 : $8 == "refused" ? 5 : 4
	asked++
	if ($1 != $5)
		differs("another address")
	else if ($2 != $6 || $3 != $7)
		differs("answered differently")
	else if (ours && $1 ~ /^[^@]*@[^@]*$/ && digit != $7)
		differs("cl-route says something else")
	else if ($4 ~ /@/ && tolower($4) != $9 || $4 == "not found" && $9 != "not found")
		differs("goes elsewhere")
}

END {
	print asked " addresses, " wrong + 0 " disagreements"
}
