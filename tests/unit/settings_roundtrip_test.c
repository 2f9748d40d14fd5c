/* Settings full of what is special to somebody, through the templates themselves: what Postfix and Dovecot read differs from what
 * they read with a tame value in just that value; or the setting is refused. */
#include "exim_fixture.h"

#include "adapters/config.h"
#include "base/paths.h"
#include "features/render.h"

#define CASES 40
/* What stands in the place of the wild text in the tame one. */
#define MARK "qqmarkqq"

static const struct mr_render_machine *machine(void)
{
	static struct mr_render_machine machine = { .ids = { .root = 0,
							     .openldap = 101,
							     .postfix = 102,
							     .dovecot = 103,
							     .nslcd = 104,
							     .exim = 105 } };

	machine.versions = mr_versions_sample;
	return &machine;
}

/* mail1.lan is the home, mail2.lan this host. */
static struct mr_topology topology_of(struct mr_arena *arena)
{
	struct mr_topology topology;

	mr_topology_init(arena, "8c7d2a52-4b2e-4a5d-9a39-0f1d2b6c5e11", "mail1.lan", &topology);
	topology.hosts = MR_NEW_ARRAY(arena, struct mr_host, 2);
	topology.count = 2;
	for (unsigned i = 0; i < 2; i++)
		topology.hosts[i] = (struct mr_host){
			.name = mr_printf(arena, "mail%u.lan", i + 1),
			.services = MR_MAIL | MR_UNIX,
			.server_id = i + 1,
			.state = MR_JOINED,
		};
	topology.scheme = MR_SCHEME_SERVER_MX;
	mr_list_add(arena, &topology.domains, "maildomain.org");
	mr_list_add(arena, &topology.mx, "mail2.lan");
	return topology;
}

/* As libconfig reads it back. */
static const char *quoted(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (mr_buf_putc(&out, '"'); *text; text++)
		if (strchr("\"\\", *text))
			mr_buf_printf(&out, "\\%c", *text);
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			mr_buf_printf(&out, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			mr_buf_putc(&out, *text);
	mr_buf_putc(&out, '"');
	return mr_strdup(arena, mr_buf_text(&out));
}

/* Texts and lists of texts that are no choice; with a text that is right. */
struct setting {
	const char *group, *name, *sample;
	bool list;
};

static size_t list_settings(struct mr_arena *arena, struct setting *out, size_t most)
{
	const struct mr_value *samples = mr_config_sample_settings(arena);
	size_t count = 0;

	for (size_t i = 0; i < samples->count; i++) {
		const struct mr_value *group = samples->items[i];

		if (group->kind != MR_VALUE_OBJECT)
			continue;
		for (size_t j = 0; j < group->count && count < most; j++) {
			const struct mr_value *value = group->items[j];
			bool list = value->kind == MR_VALUE_LIST && value->count;

			if (list)
				value = value->items[0];
			if (value->kind == MR_VALUE_STRING)
				out[count++] = (struct setting){ samples->keys[i], group->keys[j],
								 value->string, list };
		}
	}
	return count;
}

/* The files that are rendered with one setting, or NULL: it is refused. */
static struct mr_rendering *render_with(struct mr_arena *arena, const char *folder, const char *mta,
					const struct setting *setting, const char *value)
{
	const char *path = mr_printf(arena, "%s/mailrepl.conf", folder);
	const char *item = quoted(arena, value);
	const char *line = mr_printf(arena, "%s = %s;", setting->name,
				     setting->list ? mr_printf(arena, "[ %s ]", item) : item);
	struct mr_rendering *out = MR_NEW(arena, struct mr_rendering);
	struct mr_topology topology = topology_of(arena);
	struct mr_config config;

	if (strcmp(setting->group, "mail") == 0)
		line = mr_printf(arena, "mail = { mta = \"%s\"; %s };\n", mta, line);
	else
		line = mr_printf(arena, "mail = { mta = \"%s\"; }; %s = { %s };\n", mta,
				 setting->group, line);
	write_at(path, line);
	if (mr_config_load(arena, NULL, path, &config, &err) < 0)
		return NULL;
	config.host = "mail2.lan";
	/* Where Exim is not installed nobody owns its files, but below a folder. */
	if (strcmp(mta, "exim") == 0)
		config.root = "/below";
	*out = (struct mr_rendering){ 0 };
	return mr_render_as(arena, &config, &topology, machine(), false, out, &err) < 0 ? NULL
											: out;
}

/* What is read with one setting, or refused: NULL. */
static const char *read_with(struct mr_arena *arena, const char *folder,
			     const struct setting *setting, const char *value)
{
	const char *const main_cf[] = { "postconf", "-c", folder, "-x", "-n", NULL };
	const char *const master_cf[] = { "postconf", "-c", folder, "-x", "-P", NULL };
	const char *const services[] = { "postconf", "-c", folder, "-M", NULL };
	const char *dovecot_conf = mr_printf(arena, "%s/dovecot.conf", folder);
	const char *const dovecot[] = { "doveconf", "-c", dovecot_conf, "-n", NULL };
	const struct mr_rendering *rendering =
		render_with(arena, folder, "postfix", setting, value);

	if (!rendering)
		return NULL;
	for (size_t i = 0; i < rendering->count; i++) {
		const char *name = strrchr(rendering->files[i].path, '/') + 1;

		if (strcmp(name, "main.cf") == 0 || strcmp(name, "master.cf") == 0 ||
		    strcmp(name, "dovecot.conf") == 0)
			write_at(mr_printf(arena, "%s/%s", folder, name),
				 rendering->files[i].content);
	}
	return mr_printf(arena, "%s%s%s%s", said(arena, folder, main_cf, NULL),
			 said(arena, folder, master_cf, NULL), said(arena, folder, services, NULL),
			 said(arena, folder, dovecot, NULL));
}

/* The same for Exim, which shows its options as they are written. */
static const char *exim_read_with(struct mr_arena *arena, const char *folder,
				  const struct setting *setting, const char *value)
{
	const struct mr_rendering *rendering = render_with(arena, folder, "exim", setting, value);

	if (!rendering)
		return NULL;
	for (size_t i = 0; i < rendering->count; i++)
		if (mr_ends_with(rendering->files[i].path, "/exim4.conf"))
			write_at(mr_printf(arena, "%s/exim4.conf", folder),
				 rendering->files[i].content);
	return exim_said(arena, folder,
			 "exim4 -C $PWD/exim4.conf -bP 2>&1 && exim4 -C $PWD/exim4.conf -bP "
			 "routers transports authenticators 2>&1",
			 NULL);
}

/* MARK replaced; several blanks are one, as postconf shows them, and "%%" is a percent sign, as
 * Dovecot reads it. */
static const char *with_value(struct mr_arena *arena, const char *text, const char *value)
{
	MR_BUF out = { 0 };
	const char *at;

	for (; (at = strstr(text, MARK)); text = at + strlen(MARK)) {
		mr_buf_add(&out, text, (size_t)(at - text));
		mr_buf_puts(&out, value);
	}
	mr_buf_puts(&out, text);
	return mr_strdup(arena, mr_buf_text(&out));
}

static const char *plain(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (; *text; text++)
		if (!strchr(" %", *text) || text[1] != *text)
			mr_buf_putc(&out, *text);
	return mr_strdup(arena, mr_buf_text(&out));
}

static void compare(struct mr_arena *arena, const struct setting *setting, const char *value,
		    const char *want, const char *got)
{
	struct mr_list wanted = mr_list_split(arena, plain(arena, want), '\n');
	struct mr_list gotten = mr_list_split(arena, plain(arena, got), '\n');

	for (size_t i = 0; i < wanted.count || i < gotten.count; i++) {
		const char *one = i < wanted.count ? wanted.items[i] : "(nothing)";
		const char *other = i < gotten.count ? gotten.items[i] : "(nothing)";

		if (strcmp(one, other) != 0)
			fail_msg("seed %lu, %s.%s = \"%s\": \"%s\" is read as \"%s\"", seed,
				 setting->group, setting->name, shown(arena, value),
				 shown(arena, one), shown(arena, other));
	}
}

/* As Exim's options have it; what that means to Exim roundtrip_test.c sees. */
static const char *for_exim(struct mr_arena *arena, const char *text)
{
	MR_BUF out = { 0 };

	for (; *text; text++) {
		if (strchr("\\${}", *text))
			mr_buf_putc(&out, '\\');
		mr_buf_putc(&out, *text);
	}
	return mr_strdup(arena, mr_buf_text(&out));
}

static const char *as_it_is(struct mr_arena *arena, const char *text)
{
	(void)arena;
	return text;
}

typedef const char *reader(struct mr_arena *, const char *, const struct setting *, const char *);
typedef const char *writer(struct mr_arena *, const char *);

static void for_each_case(const char *folder, reader *read_one, writer *written)
{
	MR_ARENA arena = mr_arena_open();
	struct setting settings[100];
	size_t count = list_settings(arena, settings, 100), read = 0, refused = 0;

	assert_true(count > 5);
	for (size_t i = 0; i < cases; i++) {
		MR_ARENA one = mr_arena_open();
		const struct setting *setting = &settings[pick((unsigned)count)];
		size_t at = pick((unsigned)strlen(setting->sample) + 1);
		const char *marked = mr_printf(one, "%.*s" MARK "%s", (int)at, setting->sample,
					       setting->sample + at);
		const char *text = random_value(one), *value = with_value(one, marked, text);
		const char *tame_one, *wild_one = read_one(one, folder, setting, value);

		if (!wild_one) {
			refused++;
			continue;
		}
		tame_one = read_one(one, folder, setting, marked);
		if (!tame_one)
			continue;
		read++;
		compare(one, setting, value, with_value(one, tame_one, written(one, text)),
			wild_one);
	}
	print_message("# seed %lu: %zu settings, %zu refused, %zu read back\n", seed, cases,
		      refused, read);
	assert_true(read > 0);
}

static void a_setting_changes_nothing_but_its_own_value(void **test_state)
{
	for_each_case(*test_state, read_with, as_it_is);
}

static void a_setting_changes_nothing_but_its_own_value_in_exim(void **test_state)
{
	MR_ARENA arena = mr_arena_open();
	const struct setting name = { "mail", "name", "a.example", false };

	if (!exim_unpack(arena, *test_state)) {
		print_message("# no Exim: tools/install-packages fetches it, and root runs it\n");
		skip();
	}
	assert_contains(exim_read_with(arena, *test_state, &name, "b.example"), "b.example");
	for_each_case(*test_state, exim_read_with, for_exim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_setting_changes_nothing_but_its_own_value,
						folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_setting_changes_nothing_but_its_own_value_in_exim,
						folder_setup, folder_teardown),
	};
	const char *source = getenv("MAILREPL_TEST_SOURCE");

	setenv("MAILREPL_DATA", source ? source : ".", 1);
	begin(CASES);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
