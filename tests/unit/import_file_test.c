#include "test.h"

#include "features/import_file.h"

static void join(struct mr_buf *out, const struct mr_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mr_buf_printf(out, "%s%s", i ? " " : "", list->items[i]);
}

/* "line:user|addresses|name|services|host|quota|forward|keep|access|locked|password|hash" */
static void show(const struct mr_import_file *file, struct mr_buf *out)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct mr_import_user *user = &file->users[i];

		if (user->bad)
			continue;
		mr_buf_printf(out, "%lu:%s|", user->line, user->user);
		join(out, &user->addresses);
		mr_buf_printf(out, "|%s|%u|%s|%lld|", user->full_name ? user->full_name : "",
			      user->services, user->host ? user->host : "", user->quota);
		join(out, &user->forward);
		mr_buf_printf(out, "|%d|%s|%d|%s|%s\n", user->keep,
			      user->access ? mr_access_word(user->access) : "", user->locked,
			      user->password.data ? user->password.data : "",
			      user->hash.data ? user->hash.data : "");
	}
}

static void check(const char *name, const char *text, const char *users, const char *problems)
{
	MR_ARENA arena = mr_arena_open();
	struct mr_import_file file;
	MR_BUF got = { 0 }, wrong = { 0 };

	mr_import_file_parse(arena, name, text, strlen(text), &file);
	mr_import_problems_sort(&file);
	show(&file, &got);
	for (size_t i = 0; i < file.problem_count; i++)
		mr_buf_printf(&wrong, "%lu: %s\n", file.problems[i].line, file.problems[i].text);
	assert_string_equal(mr_buf_text(&wrong), problems);
	assert_string_equal(mr_buf_text(&got), users);
	mr_import_file_close(&file);
}

static void csv_gives_users(void **state)
{
	(void)state;
	check("x", "user\nanna\n", "2:anna|||2||0||0||0||\n", "");
	check("x",
	      "Addresses,user,full_name,services,host,quota,forward,keep,access,locked,hash\r\n"
	      "A@maildomain.org b@maildomain.org a@maildomain.org,anna,\"Smith, "
	      "Anna\",mail,Mail1.lan,2G,x@outside.test,yes,deferred,no,{CRYPT}$y$j9T$x\r\n"
	      "c@maildomain.org,carl,,,,,,,open,yes,\r\n"
	      ",dora,,unix,,,,,,,\r\n",
	      "2:anna|a@maildomain.org b@maildomain.org|Smith, Anna|1|mail1.lan|2147483648|"
	      "x@outside.test|1|deferred|0||{CRYPT}$y$j9T$x\n"
	      "3:carl|c@maildomain.org||1||0||0||1||\n"
	      "4:dora|||2||0||0||0||\n",
	      "");
	check("x", "user,password\nanna,\" p,w \"\n", "2:anna|||2||0||0||0| p,w |\n", "");
}

static void json_lines_give_the_same(void **state)
{
	(void)state;
	check("x",
	      "\n{\"user\":\"anna\",\"addresses\":[\"a@maildomain.org\",\"b@maildomain.org\"],"
	      "\"quota\":1024,\"locked\":true,\"password\":\"p \\u00e9\",\"full_name\":null}\n"
	      "{\"user\":\"carl\",\"addresses\":\"c@maildomain.org\",\"services\":[\"mail\","
	      "\"unix\"],"
	      "\"hash\":\"{CRYPT}x\"}",
	      "2:anna|a@maildomain.org b@maildomain.org||1||1024||0||1|p \xc3\xa9|\n"
	      "3:carl|c@maildomain.org||3||0||0||0||{CRYPT}x\n",
	      "");
	check("users.json", "[]\n", "", "1: not a JSON object\n");
}

static void every_bad_line_is_named(void **state)
{
	(void)state;
	check("x", "", "", "1: the file is empty\n");
	check("x", "name,user,user\nanna,b,c\n", "",
	      "1: unknown column \"name\"\n1: column \"user\" is there twice\n");
	check("x", "addresses\na@maildomain.org\n", "",
	      "1: the first line must name the columns, and \"user\" among them\n");
	check("x",
	      "user,addresses,services,quota,keep,access,hash,password\n"
	      "anna,a@maildomain.org\n"
	      "carl,c@maildomain.org,,12x,,,,\n"
	      ",d@maildomain.org,,,,,,\n"
	      "emma,,mail,,,,,\n"
	      "fred,f@maildomain.org,unix,,,,,\n"
	      "good,good@maildomain.org,,1k,,,,\n"
	      "gus,g@maildomain.org,,,yes,,,\n"
	      "hans,h@maildomain.org,,,maybe,gone,,\n"
	      "ida,i@maildomain.org,,,,,$y$x,\n"
	      "jan,j@maildomain.org,,,,,{CRYPT}x,pw\n"
	      "kim,k@maildomain.org,,-1,,,,\n"
	      "lea,l@maildomain.org,,9223372036854775807K,,,,\n"
	      "max,,unix,5,,,,\n"
	      "n\"o,,,,,,,\n",
	      "7:good|good@maildomain.org||1||1024||0||0||\n",
	      "2: 2 fields instead of 8\n"
	      "3: quota 12x: must be bytes, or a number and K, M, G or T\n"
	      "4: the user's name is missing\n"
	      "5: a mailbox needs an address\n"
	      "6: an address needs a mailbox: name the service mail too\n"
	      "8: keep: there is nothing to forward\n"
	      "9: keep maybe: must be yes or no\n"
	      "9: access gone: must be open, closed, deferred or refused\n"
	      "10: hash: must begin with {CRYPT}\n"
	      "11: there are a password and a hash: which of them?\n"
	      "12: quota -1: must be bytes, or a number and K, M, G or T\n"
	      "13: quota 9223372036854775807K: must be bytes, or a number and K, M, G or T\n"
	      "14: quota: only a mailbox has it\n"
	      "15: a quote stands where none may (RFC 4180: \"a \"\"b\"\" c\")\n");
	check("x", "{\"user\":\"a\",\"name\":\"x\"}\n{\"user\":[\"a\",\"b\"]}\n{\n", "",
	      "1: unknown member \"name\"\n2: user: more than one value\n"
	      "3: string or '}' expected near end of file\n");
}

/* Whatever comes: no crash, and each record is a user or a problem. */
static void no_text_is_too_strange(void **state)
{
	static const char alphabet[] = "user,addresses\n\"\"{}:[]\\u00\r\t @a.\xc3\xa9\xff";
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		MR_ARENA arena = mr_arena_open();
		struct mr_import_file file;
		char text[96];
		size_t len = 0;

		if (i % 3 == 0)
			len = (size_t)sprintf(text, "user,addresses,hash,password\n");
		else if (i % 3 == 1)
			text[len++] = '{';
		while (len < sizeof(text) - 1 && (seed = seed * 1103515245 + 12345) >> 16 & 31)
			text[len++] = alphabet[(seed >> 8) % (sizeof(alphabet))];
		mr_import_file_parse(arena, "x", text, len, &file);
		for (size_t k = 0; k < file.count; k++)
			assert_true(file.users[k].bad || file.users[k].user);
		mr_import_file_close(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_gives_users),
		cmocka_unit_test(json_lines_give_the_same),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(no_text_is_too_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
