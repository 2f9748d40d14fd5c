/* mailrepl-lookup: one question of an MTA to this host's directory (libmailrepl/features/lookup.h).
 * The templates for Exim call it. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "features/gate.h"
#include "features/instance.h"
#include "features/lookup.h"

enum { FOUND = 0, NOTHING = 1, LATER = EX_TEMPFAIL };

static const char usage[] =
	N_("Usage: mailrepl-lookup [--root DIR] [--delimiter C] TABLE ADDRESS\n"
	   "One question of a mail server to this host's directory.\n\n"
	   "  --root DIR  everything lies below DIR\n"
	   "  --delimiter C  what divides a user from a detail: +, = or none\n"
	   "  route       where mail for an address of a mail domain goes\n"
	   "  access      whether everybody may write to it: closed, deferred, refused, gone, or "
	   "nothing\n"
	   "  peer        whether a real address is somebody's\n"
	   "  backup      whether it is a known recipient of another primary\n"
	   "  expand      whom mail for a real address of this host is for\n"
	   "  sender      the mailbox that may write in the name of an address\n\n"
	   "Status: 0 found, and printed; 1 there is nothing; 75 that cannot be told now.\n");

static int ask(struct mr_arena *arena, const char *root, char **words, const char *delimiter,
	       const char **out, struct mr_error *err)
{
	struct mr_config config;
	struct mr_lookup lookup;
	struct mr_gate gate;
	MR_DIRECTORY dir = NULL;

	if (mr_config_load(arena, root, NULL, &config, err) < 0 ||
	    mr_gate_read(arena, &config, &gate, err) < 0 ||
	    mr_instance_open(arena, &config, &dir, err) < 0)
		return -1;
	lookup = (struct mr_lookup){ config.host, delimiter, gate.closed };
	return mr_lookup(arena, dir, &lookup, words[0], words[1], out, err);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "root", required_argument, NULL, 'r' },
						 { "delimiter", required_argument, NULL, 'd' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { 0 } };
	MR_ARENA arena = mr_arena_open();
	enum mr_delimiter delimiter = MR_DELIMITER_PLUS;
	const char *root = NULL, *found = NULL;
	struct mr_error err = { 0 };
	int option;

	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'r') {
			root = optarg;
		} else if (option == 'd') {
			if (mr_delimiter_parse(optarg, &delimiter, &err) < 0) {
				fprintf(stderr, "mailrepl-lookup: %s\n", err.message);
				return EX_USAGE;
			}
		} else if (option == 'V') {
			puts("mailrepl-lookup " MR_VERSION);
			return FOUND;
		} else {
			fputs(_(usage), option == 'h' ? stdout : stderr);
			return option == 'h' ? FOUND : EX_USAGE;
		}
	}
	mr_log_init("mailrepl-lookup", MR_LOG_INFO);
	if (argc - optind != 2) {
		fputs(_(usage), stderr);
		return EX_USAGE;
	}
	if (ask(arena, root, argv + optind, mr_delimiter_text(delimiter), &found, &err) < 0) {
		mr_log(MR_LOG_ERROR, "%s", err.message);
		return err.code == MR_E_USAGE ? EX_USAGE : LATER;
	}
	if (!found)
		return NOTHING;
	/* Without a line's end: that would be part of what Exim reads. */
	return fputs(found, stdout) < 0 || fflush(stdout) != 0 ? LATER : FOUND;
}
