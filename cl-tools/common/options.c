#include "common/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_OPTIONS 48
#define HELP_COLUMN 26

enum { KEY_JSON = 0x1000, KEY_ROOT, KEY_CONFIG, KEY_VERSION };

static const struct cl_option common_options[] = {
	{ 'n', "dry-run", NULL, N_("show what would be done, change nothing") },
	{ 'y', "yes", NULL, N_("do not ask, the answer is yes") },
	{ KEY_JSON, "json", NULL, N_("print the result as JSON") },
	{ KEY_ROOT, "root", N_("FOLDER"), N_("keep everything below FOLDER (a private instance)") },
	{ KEY_CONFIG, "config", N_("FILE"),
	  N_("read FILE instead of /etc/mailrepl/mailrepl.conf") },
	{ 'v', "verbose", NULL, N_("say more: the plan with all its details") },
	{ 'q', "quiet", NULL, N_("say nothing but warnings and errors") },
	{ 'h', "help", NULL, N_("show this help") },
	{ KEY_VERSION, "version", NULL, N_("show the version") },
	{ 0 },
};

static bool applies(const struct cl_command *command, const struct cl_option *option)
{
	return option->key != 'y' || command->needs & CL_ASKS;
}

/* The same rows in the shape that getopt_long(3) wants. */
struct table {
	char letters[2 * MOST_OPTIONS + 2];
	struct option names[MOST_OPTIONS + 1];
	size_t letter_count, name_count;
};

static bool may_have_value(const struct cl_option *option)
{
	return option->argument && option->argument[0] == '[';
}

static void table_add(struct table *table, const struct cl_option *option)
{
	if (table->name_count == MOST_OPTIONS || table->letter_count + 2 >= sizeof(table->letters))
		return;
	if (option->name)
		table->names[table->name_count++] =
			(struct option){ option->name,
					 may_have_value(option) ? optional_argument
					 : option->argument     ? required_argument
								: no_argument,
					 NULL, option->key };
	if (option->key < 256) {
		table->letters[table->letter_count++] = (char)option->key;
		if (option->argument)
			table->letters[table->letter_count++] = ':';
	}
}

static void table_init(struct table *table, const struct cl_command *command)
{
	*table = (struct table){ .letters = ":", .letter_count = 1 };
	for (const struct cl_option *option = command->options; option && option->key; option++)
		table_add(table, option);
	for (const struct cl_option *option = common_options; option->key; option++)
		if (applies(command, option))
			table_add(table, option);
}

static int set_root(struct cl_context *context, const char *value, const char **out,
		    struct mr_error *err)
{
	char here[PATH_MAX], *root;
	size_t len;

	if (!*value)
		return mr_fail(err, MR_E_USAGE, _("--root needs a folder"));
	if (*value == '/')
		root = mr_strdup(context->arena, value);
	else if (getcwd(here, sizeof(here)))
		root = mr_printf(context->arena, "%s/%s", here, value);
	else
		return mr_fail_errno(err, _("--root %s: finding the current folder"), value);
	for (len = strlen(root); len > 0 && root[len - 1] == '/'; len--)
		root[len - 1] = '\0';
	*out = root;
	return 0;
}

/* 1: it was a common option; 0: it was not; -1: error. */
static int set_common(struct cl_context *context, struct cl_start *start, int key,
		      const char *value, struct mr_error *err)
{
	switch (key) {
	case 'n':
		context->dry_run = true;
		return 1;
	case 'y':
		context->yes = true;
		return 1;
	case 'v':
		context->verbose++;
		return 1;
	case 'q':
		context->quiet = true;
		return 1;
	case 'h':
		start->help = true;
		return 1;
	case KEY_JSON:
		context->json = true;
		return 1;
	case KEY_CONFIG:
		start->config = value;
		return 1;
	case KEY_VERSION:
		start->version = true;
		return 1;
	case KEY_ROOT:
		return set_root(context, value, &start->root, err) < 0 ? -1 : 1;
	default:
		return 0;
	}
}

static const char *name_of_key(const struct cl_command *command, struct mr_arena *arena, int key)
{
	const struct cl_option *const lists[] = { command->options, common_options };

	for (size_t i = 0; i < 2; i++)
		for (const struct cl_option *option = lists[i]; option && option->key; option++)
			if (option->key == key && option->name)
				return mr_printf(arena, "--%s", option->name);
	return mr_printf(arena, "-%c", key);
}

static int fail_unknown(const struct cl_command *command, struct mr_arena *arena, char **argv,
			struct mr_error *err)
{
	const char *word = optind > 0 ? argv[optind - 1] : "";

	/* optopt: an unknown letter, or the key of a known long option that was given a value */
	if (optopt && strncmp(word, "--", 2) == 0 && strchr(word, '='))
		return mr_fail(err, MR_E_USAGE, _("option %s takes no value"),
			       name_of_key(command, arena, optopt));
	if (optopt)
		return mr_fail(err, MR_E_USAGE,
			       _("unknown option -%c (%s --help shows those there are)"), optopt,
			       command->name);
	return mr_fail(err, MR_E_USAGE,
		       _("unknown or ambiguous option %s (%s --help shows those there are)"), word,
		       command->name);
}

/* Of an option that may have a value: the word after it, unless that is an option, too. */
static const char *next_word(const struct cl_command *command, int key, int argc, char **argv)
{
	for (const struct cl_option *option = command->options; option && option->key; option++)
		if (option->key == key && may_have_value(option) && optind < argc &&
		    argv[optind][0] != '-')
			return argv[optind++];
	return NULL;
}

int cl_options_parse(int argc, char **argv, const struct cl_command *command,
		     struct cl_context *context, struct cl_start *start, struct mr_error *err)
{
	struct table table;
	int key;

	*start = (struct cl_start){ .root = "" };
	table_init(&table, command);
	opterr = 0;
	optind = 0;
	while ((key = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1) {
		const char *value = optarg ? optarg : next_word(command, key, argc, argv);
		int known;

		if (key == '?')
			return fail_unknown(command, context->arena, argv, err);
		if (key == ':')
			return mr_fail(err, MR_E_USAGE, _("option %s needs a value"),
				       name_of_key(command, context->arena, optopt));
		known = set_common(context, start, key, value, err);
		if (known < 0 || (!known && command->option(context, key, value, err) < 0))
			return -1;
	}
	context->argc = argc - optind;
	context->argv = argv + optind;
	return 0;
}

static void print_row(const struct cl_option *option)
{
	char left[128], letter[8] = "   ";

	if (option->key < 256)
		snprintf(letter, sizeof(letter), "-%c%c", option->key, option->name ? ',' : ' ');
	snprintf(left, sizeof(left), "  %s %s%s%s%s", letter, option->name ? "--" : "",
		 option->name ? option->name : "", option->argument ? " " : "",
		 option->argument ? _(option->argument) : "");
	if (strlen(left) > HELP_COLUMN - 2)
		printf("%s\n%*s%s\n", left, HELP_COLUMN, "", _(option->help));
	else
		printf("%-*s%s\n", HELP_COLUMN, left, _(option->help));
}

void cl_options_help(const struct cl_command *command)
{
	printf(_("Usage: %s [OPTION]... %s\n%s\n\n"), command->name, command->usage,
	       _(command->summary));
	for (const struct cl_option *option = command->options; option && option->key; option++)
		print_row(option);
	for (const struct cl_option *option = common_options; option->key; option++)
		if (applies(command, option))
			print_row(option);
	printf(_("\nThe manual page %s(8) says more.\n"), command->name);
}
