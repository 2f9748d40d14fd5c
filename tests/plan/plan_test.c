/* Runs declarative tests of plans, see README.md beside. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/paths.h"
#include "features/account.h"
#include "features/apply.h"
#include "features/clash.h"
#include "features/group.h"
#include "features/instance.h"
#include "features/takeover.h"
#include "features/user_change.h"
#include "features/user_remove.h"

#define MOST (1024 * 1024)

struct test;

struct test {
	int (*make)(struct test *test); /* the plan, again */
	const char *first, *second;     /* of @settle and @take-over */
	struct mr_takeover takeover;
	struct mr_arena *arena;
	struct mr_buf facts;
	struct mr_directory *dir;
	struct mr_config config;
	struct mr_topology topology;
	struct mr_user_request request;
	struct mr_user_change change;
	struct mr_user_removal removal;
	struct mr_secret hash;
	struct mr_plan plan;
	bool failed; /* with `err` */
	struct mr_error err;
};

static void read_request(struct test *test, char *words)
{
	char *rest = words, *word;

	memset(&test->request, 0, sizeof(test->request));
	test->config.host = mr_strdup(test->arena, strsep(&rest, " "));
	while ((word = strsep(&rest, " "))) {
		if (strcmp(word, "-e") == 0)
			mr_list_add(test->arena, &test->request.addresses, strsep(&rest, " "));
		else if (strcmp(word, "-c") == 0)
			test->request.full_name = strsep(&rest, " ");
		else if (strcmp(word, "--host") == 0)
			test->request.host = strsep(&rest, " ");
		else if (strcmp(word, "-p") == 0)
			test->request.hash = &test->hash;
		else if (!test->request.user)
			test->request.user = word;
		else
			test->request.services |= strcmp(word, "mail") == 0 ? MR_MAIL : MR_UNIX;
	}
}

static struct test *current;

int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *folder, const char *host, struct mr_directory **out,
				 struct mr_error *err);

/* Another host's directory, as the facts say it is; what a plan changes there is not kept. */
int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *folder, const char *host, struct mr_directory **out,
				 struct mr_error *err)
{
	(void)arena, (void)config, (void)folder, (void)host;
	return mr_directory_open_memory(mr_buf_text(&current->facts), out, err);
}

/* As mr_instance_topology does: the home's own word first. */
static int read_topology(struct test *test)
{
	const char *bases[] = { mr_dit_owned(test->arena, MR_MAIL, test->config.host),
				mr_dit_all(MR_MAIL) };

	for (size_t i = 0; i < 2; i++) {
		const struct mr_search find = { .base = bases[i], .filter = MR_TOPOLOGY_FILTER };
		struct mr_entries entries = { 0 };

		if (mr_directory_list(test->dir, test->arena, &find, &entries, &test->err) < 0)
			return -1;
		if (mr_topology_parse(test->arena, &entries, &test->topology, &test->err) == 0 &&
		    (i == 1 || strcmp(test->topology.home, test->config.host) == 0))
			return 0;
	}
	return -1;
}

static int make_plan(struct test *test)
{
	test->plan = (struct mr_plan){ 0 };
	return test->make(test);
}

static int make_user_plan(struct test *test)
{
	struct mr_user_outcome outcome;

	test->failed = mr_account_add_plan(test->arena, &test->config, test->dir, &test->topology,
					   &test->request, &test->plan, &outcome, &test->err) < 0;
	return 0;
}

static int open_facts(struct test *test)
{
	if (test->dir)
		return 0;
	if (mr_directory_open_memory(mr_buf_text(&test->facts), &test->dir, &test->err) < 0)
		return -1;
	return read_topology(test);
}

static int useradd(struct test *test, char *words)
{
	/* A folder that is not there: no mailbox has left mail in it. */
	test->config.root = "/nonexistent";
	read_request(test, words);
	test->make = make_user_plan;
	return open_facts(test) < 0 ? -1 : make_plan(test);
}

static int make_usermod_plan(struct test *test)
{
	struct mr_user_changed changed;

	test->failed = mr_user_change_plan(test->arena, &test->config, test->dir, &test->topology,
					   &test->change, &test->plan, &changed, &test->err) < 0;
	test->takeover.notes = test->failed ? (struct mr_list){ 0 } : changed.notes;
	return 0;
}

static void read_switch(struct mr_user_change *change, const char *word)
{
	if (strcmp(word, "-L") == 0)
		change->lock = MR_ON;
	else if (strcmp(word, "-U") == 0)
		change->lock = MR_OFF;
	else if (strcmp(word, "--keep-copy") == 0)
		change->copy = MR_ON;
	else if (strcmp(word, "--no-copy") == 0)
		change->copy = MR_OFF;
	else if (strcmp(word, "defer") == 0)
		change->while_locked = MR_ACCESS_DEFERRED;
	else if (strcmp(word, "refuse") == 0)
		change->while_locked = MR_ACCESS_REFUSED;
	else if (strcmp(word, "--while-locked") != 0)
		change->user = word;
}

static int usermod(struct test *test, char *words)
{
	char *rest = words, *word;
	struct mr_user_change *change = &test->change;

	*change = (struct mr_user_change){ 0 };
	test->config.root = "/nonexistent";
	test->config.host = mr_strdup(test->arena, strsep(&rest, " "));
	while ((word = strsep(&rest, " "))) {
		if (strcmp(word, "-e") == 0)
			mr_list_add(test->arena, &change->addresses, strsep(&rest, " "));
		else if (strcmp(word, "--add-alias") == 0)
			mr_list_add(test->arena, &change->add, strsep(&rest, " "));
		else if (strcmp(word, "--remove-alias") == 0)
			mr_list_add(test->arena, &change->remove, strsep(&rest, " "));
		else if (strcmp(word, "--forward") == 0)
			mr_list_add(test->arena, &change->forward, strsep(&rest, " "));
		else if (strcmp(word, "-c") == 0)
			change->full_name = strsep(&rest, " ");
		else if (strcmp(word, "-l") == 0)
			change->new_name = strsep(&rest, " ");
		else if (strcmp(word, "--quota") == 0)
			change->quota = strsep(&rest, " ");
		else if (strcmp(word, "--owner") == 0)
			change->owner = strsep(&rest, " ");
		else
			read_switch(change, word);
	}
	test->make = make_usermod_plan;
	return open_facts(test) < 0 ? -1 : make_plan(test);
}

static int make_userdel_plan(struct test *test)
{
	struct mr_user_removed removed;

	test->failed = mr_user_remove_plan(test->arena, &test->config, test->dir, &test->topology,
					   &test->removal, &test->plan, &removed, &test->err) < 0;
	test->takeover.notes = removed.notes;
	return 0;
}

static int make_release_plan(struct test *test)
{
	test->failed = mr_hold_release_plan(test->arena, &test->config, test->dir, &test->topology,
					    test->first, &test->plan, &test->err) < 0;
	return 0;
}

static int userdel(struct test *test, char *words)
{
	char *rest = words, *word;

	test->removal = (struct mr_user_removal){ 0 };
	test->config.root = "/nonexistent";
	test->config.host = mr_strdup(test->arena, strsep(&rest, " "));
	test->make = make_userdel_plan;
	while ((word = strsep(&rest, " "))) {
		if (strcmp(word, "--hold") == 0)
			test->removal.hold_days = strtoll(strsep(&rest, " "), NULL, 10);
		else if (strcmp(word, "-r") == 0)
			test->removal.mail = true;
		else if (strcmp(word, "--owner") == 0)
			test->removal.owner = strsep(&rest, " ");
		else if (strcmp(word, "--release") == 0) {
			test->first = strsep(&rest, " ");
			test->make = make_release_plan;
		} else if (!test->removal.user)
			test->removal.user = word;
		else
			test->removal.services |= strcmp(word, "mail") == 0 ? MR_MAIL : MR_UNIX;
	}
	return open_facts(test) < 0 ? -1 : make_plan(test);
}

static int make_settle_plan(struct test *test)
{
	test->failed = mr_clash_settle_plan(test->arena, &test->config, test->dir, &test->topology,
					    test->first, test->second, &test->plan, &test->err) < 0;
	return 0;
}

static int make_takeover_plan(struct test *test)
{
	if (read_topology(test) < 0)
		return -1;
	test->takeover = (struct mr_takeover){
		.gone = test->first,
		.dir = test->dir,
		.home = strcmp(test->topology.home, test->first) == 0,
	};
	test->failed = mr_takeover_plan(test->arena, &test->config, &test->topology,
					&test->takeover, &test->plan, &test->err) < 0;
	return 0;
}

/* "HOST FIRST [SECOND]" */
static int act(struct test *test, char *words, int (*make)(struct test *))
{
	char *rest = words;

	test->config.root = "/nonexistent";
	test->config.host = mr_strdup(test->arena, strsep(&rest, " "));
	test->first = mr_strdup(test->arena, strsep(&rest, " "));
	test->second = mr_strdup(test->arena, rest);
	test->make = make;
	return open_facts(test) < 0 ? -1 : make_plan(test);
}

/* Nobody else answers here, and nobody has to: it is noted that somebody has (features/heard.h). */
static int apply(struct test *test)
{
	struct mr_config config = test->config;
	char root[] = "/tmp/mailrepl-plan-XXXXXX";
	struct mr_error ignored;
	int rc;

	config.root = mkdtemp(root);
	if (!config.root)
		return mr_fail_errno(&test->err, "%s", root);
	rc = mr_folder_make(mr_path(test->arena, root, MR_PATH_RUN),
			    (struct mr_file_attrs){ 0755, (uid_t)-1, (gid_t)-1 }, &test->err);
	if (rc == 0)
		rc = mr_file_replace(mr_path(test->arena, root, MR_PATH_HEARD), "- -\n", 4,
				     MR_FILE_PUBLIC, &test->err);
	if (rc == 0)
		rc = mr_plan_apply(&test->plan, &config, test->dir, &test->err);
	return mr_tree_remove(root, &ignored) < 0 ? -1 : rc;
}

static int again(struct test *test)
{
	mr_secret_set(&test->hash, "{CRYPT}x", 8);
	if (apply(test) < 0)
		return -1;
	return make_plan(test);
}

static void print_comment(const char *title, const char *text)
{
	printf("# %s\n", title);
	while (*text) {
		size_t len = strcspn(text, "\n");

		printf("#   %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static int expect(const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return 0;
	print_comment("got:", got);
	print_comment("want:", want);
	return -1;
}

static int expect_plan(struct test *test, bool details, const char *want)
{
	MR_BUF got = { 0 };

	if (test->failed)
		mr_buf_printf(&got, "error %s\n%s\n", mr_error_word(test->err.code),
			      test->err.message);
	else
		mr_plan_format(&test->plan, details, &got);
	return expect(mr_buf_text(&got), want);
}

static int expect_error(struct test *test, const char *word, const char *want)
{
	MR_BUF got = { 0 }, wanted = { 0 };

	if (!test->failed)
		return expect_plan(test, false, want);
	mr_buf_printf(&got, "%s\n%s\n", mr_error_word(test->err.code), test->err.message);
	mr_buf_printf(&wanted, "%s\n%s", word, want);
	return expect(mr_buf_text(&got), mr_buf_text(&wanted));
}

static int expect_entry(struct test *test, const char *dn, const char *want)
{
	struct mr_entry *entry;
	MR_BUF got = { 0 };

	if (mr_directory_read(test->dir, test->arena, dn, NULL, &entry, &test->err) < 0)
		return -1;
	for (size_t i = 0; entry && i < entry->count; i++)
		for (size_t j = 0; j < entry->attrs[i].values.count; j++)
			mr_buf_printf(&got, "%s: %s\n", entry->attrs[i].name,
				      entry->attrs[i].values.items[j]);
	return expect(mr_buf_text(&got), want);
}

static int expect_notes(struct test *test, const char *want)
{
	MR_BUF got = { 0 };

	for (size_t i = 0; i < test->takeover.notes.count; i++)
		mr_buf_printf(&got, "%s\n", test->takeover.notes.items[i]);
	return expect(mr_buf_text(&got), want);
}

static int expect_clashes(struct test *test, const char *want)
{
	struct mr_clashes clashes;
	MR_BUF got = { 0 };

	test->config.host = "mail1.lan";
	if (open_facts(test) < 0 || mr_clash_list(test->arena, test->dir, &clashes, &test->err) < 0)
		return -1;
	for (size_t i = 0; i < clashes.count; i++) {
		mr_buf_printf(&got, "%s:", clashes.items[i].address);
		for (size_t j = 0; j < clashes.items[i].count; j++)
			mr_buf_printf(&got, " %s/%s", clashes.items[i].claims[j].owner,
				      clashes.items[i].claims[j].user);
		mr_buf_putc(&got, '\n');
	}
	return expect(mr_buf_text(&got), want);
}

static int add_facts(struct test *test, const char *folder, const char *name)
{
	const char *path = mr_printf(test->arena, "%s/%s", folder, name);
	char *text;

	if (mr_file_read(test->arena, path, MOST, &text, NULL, &test->err) < 0)
		return -1;
	mr_buf_puts(&test->facts, text);
	mr_buf_putc(&test->facts, '\n');
	return 0;
}

static void read_group_word(struct test *test, const char *word, char **rest,
			    struct mr_group_request *request, struct mr_group_change *change)
{
	const char *value = strchr("emad", word[1]) || word[1] == 'l' ||
					    strcmp(word, "--host") == 0 ||
					    strcmp(word, "--add-alias") == 0 ||
					    strcmp(word, "--remove-alias") == 0
				    ? strsep(rest, " ")
				    : NULL;

	switch (word[1]) {
	case 'e':
		mr_list_add(test->arena, &request->addresses, value);
		break;
	case 'm':
		request->members = mr_list_split(test->arena, value, ',');
		break;
	case 'a':
		mr_list_add(test->arena, &change->add_members, value);
		break;
	case 'd':
		mr_list_add(test->arena, &change->remove_members, value);
		break;
	case 'l':
		change->rename = value;
		break;
	default:
		if (strcmp(word, "--add-alias") == 0)
			mr_list_add(test->arena, &change->add_addresses, value);
		else if (strcmp(word, "--remove-alias") == 0)
			mr_list_add(test->arena, &change->remove_addresses, value);
		else if (strcmp(word, "--host") == 0)
			request->host = value;
		else
			request->closed = strcmp(word, "--closed") == 0;
		change->access = strcmp(word, "--closed") == 0 ? MR_GROUP_CLOSED
				 : strcmp(word, "--open") == 0 ? MR_GROUP_OPEN
							       : change->access;
	}
}

/* test->first: "groupadd", "groupmod" or "groupdel"; test->second: what follows the host */
static int make_group_plan(struct test *test)
{
	const struct mr_group_view view = { test->arena, &test->config, test->dir,
					    &test->topology };
	struct mr_group_request request = { .service = MR_MAIL };
	struct mr_group_change change = { 0 };
	struct mr_group_outcome outcome;
	char *rest = mr_strdup(test->arena, test->second), *word;

	while ((word = strsep(&rest, " "))) {
		if (*word == '-') {
			read_group_word(test, word, &rest, &request, &change);
		} else if (!request.name) {
			request.name = word;
		} else {
			request.service = strcmp(word, "mail") == 0 ? MR_MAIL : MR_UNIX;
			change.services = request.service;
		}
	}
	change.name = request.name;
	change.host = request.host;
	change.addresses = request.addresses;
	change.members = request.members;
	if (strcmp(test->first, "groupadd") == 0)
		test->failed =
			mr_group_add_plan(&view, &request, &test->plan, &outcome, &test->err) < 0;
	else if (strcmp(test->first, "groupmod") == 0)
		test->failed =
			mr_group_change_plan(&view, &change, &test->plan, &outcome, &test->err) < 0;
	else
		test->failed = mr_group_delete_plan(&view, request.name, change.services,
						    request.host, &test->plan, &test->err) < 0;
	return 0;
}

/* "HOST WORDS" */
static int group(struct test *test, const char *what, char *words)
{
	char *rest = words;

	test->config.root = "/nonexistent";
	test->config.host = mr_strdup(test->arena, strsep(&rest, " "));
	test->first = what;
	test->second = mr_strdup(test->arena, rest);
	test->make = make_group_plan;
	return open_facts(test) < 0 ? -1 : make_plan(test);
}

static int run_section(struct test *test, const char *folder, char *head, const char *body)
{
	char *rest = head, *word = strsep(&rest, " ");

	if (strcmp(word, "facts") == 0)
		return add_facts(test, folder, rest);
	if (strcmp(word, "ldif") == 0) {
		mr_buf_puts(&test->facts, body);
		mr_buf_puts(&test->facts, "\n");
		return 0;
	}
	if (strcmp(word, "useradd") == 0)
		return useradd(test, rest);
	if (strcmp(word, "usermod") == 0)
		return usermod(test, rest);
	if (mr_starts_with(word, "group"))
		return group(test, mr_strdup(test->arena, word), rest);
	if (strcmp(word, "userdel") == 0)
		return userdel(test, rest);
	if (strcmp(word, "settle") == 0)
		return act(test, rest, make_settle_plan);
	if (strcmp(word, "take-over") == 0)
		return act(test, rest, make_takeover_plan);
	if (strcmp(word, "notes") == 0)
		return expect_notes(test, body);
	if (strcmp(word, "entry") == 0)
		return expect_entry(test, rest, body);
	if (strcmp(word, "clashes") == 0)
		return expect_clashes(test, body);
	if (strcmp(word, "plan") == 0 || strcmp(word, "details") == 0)
		return expect_plan(test, *word == 'd', body);
	if (strcmp(word, "error") == 0)
		return expect_error(test, rest, body);
	if (strcmp(word, "again") == 0)
		return again(test) < 0 ? -1 : expect_plan(test, false, body);
	return mr_fail(&test->err, MR_E_INVALID, "unknown section @%s", word);
}

/* Everything up to the next "@" at the start of a line, without blank lines at its end. */
static char *cut_body(struct mr_arena *arena, char **text)
{
	char *start = *text, *end = *text[0] == '@' ? *text : strstr(*text, "\n@");
	size_t len;

	*text = end ? end + (*end == '\n') : start + strlen(start);
	len = (size_t)(*text - start);
	while (len > 0 && start[len - 1] == '\n')
		len--;
	return len ? mr_printf(arena, "%.*s\n", (int)len, start) : mr_strdup(arena, "");
}

static int run_text(struct test *test, const char *folder, char *text)
{
	cut_body(test->arena, &text); /* the comment on top */
	while (*text == '@') {
		char *head = text + 1, *end = strchrnul(head, '\n');

		text = *end ? end + 1 : end;
		*end = '\0';
		head = mr_strdup(test->arena, head);
		if (run_section(test, folder, mr_strdup(test->arena, head),
				cut_body(test->arena, &text)) < 0) {
			printf("# in section @%s: %s\n", head, test->err.message);
			return -1;
		}
	}
	return 0;
}

static bool run_file(const char *folder, const char *name)
{
	MR_ARENA arena = mr_arena_open();
	struct test test = { .arena = arena };
	char *text;
	int result;

	current = &test;
	result = mr_file_read(arena, mr_printf(arena, "%s/%s", folder, name), MOST, &text, NULL,
			      &test.err);

	if (result < 0)
		printf("# %s\n", test.err.message);
	else
		result = run_text(&test, folder, text);
	mr_directory_close(test.dir);
	mr_buf_close(&test.facts);
	mr_secret_close(&test.hash);
	return result == 0;
}

static int is_test(const struct dirent *entry)
{
	return mr_ends_with(entry->d_name, ".test");
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc == 2 ? scandir(argv[1], &entries, is_test, alphasort) : -1, failures = 0;

	if (count <= 0) {
		fprintf(stderr, "usage: plan_test FOLDER (with *.test in it)\n");
		return 2;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		bool passed = run_file(argv[1], entries[i]->d_name);

		printf("%sok %d - %s\n", passed ? "" : "not ", i + 1, entries[i]->d_name);
		failures += !passed;
		free(entries[i]);
	}
	free(entries);
	return failures > 0;
}
