/* The page of a status as headless Chromium shows it: what can be read in it, at the width of a
 * desk and of a phone. */
#include "status_fixture.h"

#include "base/process.h"

/* Shows the page in a frame of a phone's or a desk's width and replaces itself by what a person
 * would see of it. The test may run a script; the page may not. */
static const char reader[] =
	"<!DOCTYPE html><meta charset=utf-8><iframe id=page src=page.html "
	"style='border:0;height:900px;width:%dpx'></iframe>"
	"<script>onload=()=>{const d=document.getElementById('page').contentDocument,"
	"out=document.createElement('pre'),svg=d.querySelector('svg');"
	"out.textContent='READ{'+d.body.innerText+'\\n'+[...svg.querySelectorAll('g text,.label')]"
	".map(t=>'SVG['+t.textContent+']').join('\\n')+"
	"'\\nPULLS '+[...svg.querySelectorAll('.pull title')].map(t=>t.textContent).join('; ')+"
	"'\\nSCRIPTS '+d.scripts.length+' IMAGES '+d.images.length+' LINKS "
	"'+d.querySelectorAll('link,a,[src],[href]').length+"
	"'\\nOVERFLOW '+(d.documentElement.scrollWidth-d.documentElement.clientWidth)+"
	"'\\nSTATE '+getComputedStyle(svg.querySelector('.word')).fill+"
	"'\\nBACK '+getComputedStyle(d.body).backgroundColor+'}';"
	"document.body.replaceChildren(out)}</script>";

static void write_file(struct mr_arena *arena, const char *folder, const char *name,
		       const char *text)
{
	struct mr_error err;

	assert_ok(mr_file_replace(mr_printf(arena, "%s/%s", folder, name), text, strlen(text),
				  MR_FILE_PUBLIC, &err),
		  err);
}

/* What is written in the text of a DOM, without the entities that the dump has for &, < and >. */
static char *unescaped(char *text)
{
	static const char *const entities[][2] = { { "&lt;", "<" },
						   { "&gt;", ">" },
						   { "&amp;", "&" } };
	char *to = text;

	for (const char *at = text; *at;) {
		size_t i = 0;

		while (i < 3 && !mr_starts_with(at, entities[i][0]))
			i++;
		*to++ = i < 3 ? *entities[i][1] : *at;
		at += i < 3 ? strlen(entities[i][0]) : 1;
	}
	*to = '\0';
	return text;
}

static const char *read_page(struct mr_arena *arena, const char *folder,
			     const struct mr_status *status, int width, bool dark)
{
	const char *const argv[] = { "chromium",
				     "--headless",
				     "--no-sandbox",
				     "--disable-gpu",
				     "--disable-quic",
				     "--no-first-run",
				     "--disable-background-networking",
				     "--disable-component-update",
				     "--disable-sync",
				     "--allow-file-access-from-files",
				     "--window-size=1300,1000",
				     "--virtual-time-budget=10000",
				     mr_printf(arena, "--blink-settings=preferredColorScheme=%d",
					       dark ? 0 : 1),
				     mr_printf(arena, "--user-data-dir=%s/profile", folder),
				     "--dump-dom",
				     mr_printf(arena, "file://%s/reader.html", folder),
				     NULL };
	const char *const env[] = { mr_printf(arena, "HOME=%s", folder), NULL };
	struct mr_process_result result = { 0 };
	struct mr_error err;
	MR_BUF page = { 0 };
	char *from, *to;

	mr_status_html(status, &page);
	write_file(arena, folder, "page.html", mr_buf_text(&page));
	write_file(arena, folder, "reader.html", mr_printf(arena, reader, width));
	assert_ok(mr_process_run(
			  &(struct mr_process){ .argv = argv, .env = env, .timeout_ms = 100000 },
			  &result, &err),
		  err);
	from = mr_strdup(arena, mr_buf_text(&result.output));
	mr_buf_close(&result.output);
	to = strstr(from, "READ{");
	if (!to)
		fail_msg("the page could not be read: %s", from);
	return unescaped(to);
}

/* Says first what is missing, because a long message is cut. */
static void assert_shown(const char *page, const char *text)
{
	if (!strstr(page, text))
		fail_msg("missing: \"%s\"\nPage: %.600s\n...\n%s", text, page,
			 strstr(page, "SVG[") ? strstr(page, "SVG[") : "");
}

static void the_page_of_a_domain_that_is_well_can_be_read(void **state)
{
	static const char *const wanted[] = {
		"READ{Replication of maildomain.org\n",
		"2026-11-21 20:53:45 UTC, asked from mail1.lan\n",
		"All is well: every host answers, every copy equals its owner\n",
		"Who pulls from whom\n",
		("SVG[mail1.lan]\nSVG[mail server, home]\nSVG[in step]\nSVG[mail2.lan]\nSVG[mail "
		 "server]\nSVG[in step]\n"
		 "SVG[relay.lan]\nSVG[relay]\nSVG[in step]\n"),
		("PULLS mail2.lan pulls from mail1.lan: in step; relay.lan pulls from mail1.lan: "
		 "in step; "
		 "mail1.lan pulls from mail2.lan: in step; relay.lan pulls from mail2.lan: in "
		 "step\n"),
		("mail1.lan\tmail server, home\tin step\tmail, unix\t0.4 ms\t+0.0 s\t4 of "
		 "4\t0\t3649 days\n"),
		"relay.lan\tmail2.lan\tmail\tin step\t1203\t1203\tequal\n",
		"relay.lan\t0.1.0\t2.5.13+dfsg-5\t3.7.11\t-\tsynchronised\topen\n",
		"SCRIPTS 0 IMAGES 0 LINKS 0\n",
		"OVERFLOW 0\n",
		"STATE rgb(26, 127, 55)\n",
		"BACK rgb(246, 247, 248)}",
	};
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	const char *text;

	fixture_well(&fixture, arena);
	text = read_page(arena, *state, &fixture.status, 1200, false);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_shown(text, wanted[i]);
}

static void words_of_hosts_are_text_in_the_page_and_never_markup(void **state)
{
	static const char *const wanted[] = {
		"Something is wrong\n",
		("mail3.lan does not answer: slapd at mail3.lan:3890: Connection refused "
		 "<script>alert(\"1\")</script>&'\\??[31m?\n"),
		"\t<script>alert(\"1\")</script>&'\\??[31m?\t",
		"SVG[mail2.lan]\nSVG[mail server]\nSVG[23 min behind]\n",
		"SVG[a-relay-with-a-\xe2\x80\xa6]\nSVG[relay]\nSVG[invited]\n",
		"relay.lan pulls from mail2.lan: differs\n",
		"mail2.lan\tmail1.lan\tmail\t23 min behind, 3 changes\t1200\t1203\tbehind\n",
		"SCRIPTS 0 IMAGES 0 LINKS 0\n",
		"OVERFLOW 0\n",
	};
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	const char *text;

	fixture_trouble(&fixture, arena);
	text = read_page(arena, *state, &fixture.status, 1200, false);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_shown(text, wanted[i]);
}

static void a_phone_at_night_shows_all_of_it_without_moving_sideways(void **state)
{
	MR_ARENA arena = mr_arena_open();
	struct fixture fixture;
	const char *text;

	fixture_trouble(&fixture, arena);
	text = read_page(arena, *state, &fixture.status, 360, true);
	assert_shown(text, "OVERFLOW 0\n");
	assert_shown(text, "STATE rgb(86, 194, 113)\n");
	assert_shown(text, "BACK rgb(15, 18, 21)}");
	assert_shown(text, "a-relay-with-a-long-name.somewhere.example.org");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(the_page_of_a_domain_that_is_well_can_be_read),
		IN_FOLDER(words_of_hosts_are_text_in_the_page_and_never_markup),
		IN_FOLDER(a_phone_at_night_shows_all_of_it_without_moving_sideways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
