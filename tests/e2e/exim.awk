# One address a line, divided by tabs: it, the first digits that a stranger and a program of the host get from Postfix,
# what Postfix' tables make of it; the address, the two digits, cl-route's fate and targets with Exim, what Exim makes of it.
# Prints the lines that disagree, then their number.
function differs(why) {
	print $1 ": " why " (Postfix " $2 $3 " " $4 ", Exim " $6 $7 " " $10 ", cl-route " $8 " " $9 ")"
	wrong++
}

function is_at(address, domain) {
	return tolower(substr(address, length(address) - length(domain))) == "@" domain
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
	else if (is_at($1, host) || is_at($4, host)) {
		# The owner goes on to whom it is for.
		here++
		if (digit == 2 && tolower($1) !~ /^(postmaster|abuse|root|mailer-daemon)[+@]/ && $9 != $10)
			differs("is for others")
	} else if ($4 ~ /@/ && tolower($4) != $10 || $4 == "not found" && $10 != "not found")
		differs("goes elsewhere")
}

END {
	print asked " addresses, " here + 0 " of them at " host ", " wrong + 0 " disagreements"
}
