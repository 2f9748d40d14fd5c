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

static int key_of(const struct cl_option *option)
{
	return option->key & ~(CL_MANY | CL_EMPTY);
}

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
					 NULL, key_of(option) };
	if (key_of(option) < 256) {
		table->letters[table->letter_count++] = (char)key_of(option);
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

/* NULL: there is none. */
static const struct cl_option *find(const struct cl_command *command, int key)
{
	const struct cl_option *const lists[] = { command->options, common_options };

	for (size_t i = 0; i < 2; i++)
		for (const struct cl_option *option = lists[i]; option && option->key; option++)
			if (key_of(option) == key)
				return option;
	return NULL;
}

static const char *name_of_key(const struct cl_command *command, struct mr_arena *arena, int key)
{
	const struct cl_option *option = find(command, key);

	return option && option->name ? mr_printf(arena, "--%s", option->name)
				      : mr_printf(arena, "-%c", key);
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
	const struct cl_option *option = find(command, key);

	return option && may_have_value(option) && optind < argc && argv[optind][0] != '-'
		       ? argv[optind++]
		       : NULL;
}

struct parsing {
	const struct cl_command *command;
	struct cl_context *context;
	struct cl_start *start;
	int argc;
	char **argv;
	struct given {
		int key;
		const char *value;
	} given[MOST_OPTIONS]; /* of options that count once; key 0: the end */
};

/* A value that is forgotten without a word is one that somebody counts on, and an empty one is most often a variable of
 * a script that was never set. */
static int check_value(struct parsing *parsing, int key, const char *value, struct mr_error *err)
{
	const struct cl_option *option = find(parsing->command, key);
	struct given *given = parsing->given;

	if (!value || !option)
		return 0;
	if (!*value && !(option->key & CL_EMPTY))
		return mr_fail(err, MR_E_USAGE, _("option %s needs a value, \"\" is none"),
			       name_of_key(parsing->command, parsing->context->arena, key));
	if (option->key & CL_MANY)
		return 0;
	while (given->key && given->key != key)
		given++;
	if (given->key && strcmp(given->value, value) != 0)
		return mr_fail(err, MR_E_USAGE, _("option %s is given twice, with %s and with %s"),
			       name_of_key(parsing->command, parsing->context->arena, key),
			       given->value, value);
	*given = (struct given){ key, value };
	return 0;
}

static int take(struct parsing *parsing, int key, struct mr_error *err)
{
	const struct cl_command *command = parsing->command;
	struct cl_context *context = parsing->context;
	const char *value = optarg ? optarg : next_word(command, key, parsing->argc, parsing->argv);
	int known;

	if (key == '?')
		return fail_unknown(command, context->arena, parsing->argv, err);
	if (key == ':')
		return mr_fail(err, MR_E_USAGE, _("option %s needs a value"),
			       name_of_key(command, context->arena, optopt));
	if (check_value(parsing, key, value, err) < 0)
		return -1;
	known = set_common(context, parsing->start, key, value, err);
	return known ? (known < 0 ? -1 : 0) : command->option(context, key, value, err);
}

int cl_options_parse(int argc, char **argv, const struct cl_command *command,
		     struct cl_context *context, struct cl_start *start, struct mr_error *err)
{
	struct parsing parsing = { command, context, start, argc, argv, { { 0 } } };
	struct table table;
	int key, result = 0;

	*start = (struct cl_start){ .root = "" };
	table_init(&table, command);
	opterr = 0;
	optind = 0;
	while (result == 0 &&
	       (key = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1)
		result = take(&parsing, key, err);
	/* However the rest is wrong: who wants JSON gets this error as JSON. */
	while (result < 0 &&
	       (key = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1)
		context->json |= key == KEY_JSON;
	context->argc = argc - optind;
	context->argv = argv + optind;
	return result;
}

int cl_options_apart(const struct mr_list *one, const struct mr_list *other, const char *options,
		     struct mr_error *err)
{
	for (size_t i = 0; i < one->count; i++)
		for (size_t j = 0; j < other->count; j++)
			if (strcasecmp(one->items[i], other->items[j]) == 0)
				return mr_fail(err, MR_E_USAGE, _("%s exclude each other: %s"),
					       options, one->items[i]);
	return 0;
}

static void print_row(const struct cl_option *option)
{
	char left[128], letter[8] = "   ";

	if (key_of(option) < 256)
		snprintf(letter, sizeof(letter), "-%c%c", key_of(option), option->name ? ',' : ' ');
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
