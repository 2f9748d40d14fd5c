#include "test.h"

#include <pthread.h>

#include "features/ask.h"
#include "features/instance.h"

/* What the slapd of mail2.lan does, and what it has seen. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int unreachable; /* so many connections fail */
static int lost;        /* so many connections are lost before they are asked */
static int tried, asked;
static bool own_socket;

int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open(struct mr_arena *arena, const struct mr_config *config,
			    struct mr_directory **out, struct mr_error *err)
{
	(void)arena;
	(void)config;
	own_socket = true;
	return mr_directory_open_memory("", out, err);
}

int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err);
int __wrap_mr_instance_open_peer(struct mr_arena *arena, const struct mr_config *config,
				 const char *tls_folder, const char *host,
				 struct mr_directory **out, struct mr_error *err)
{
	bool fails;

	(void)arena;
	(void)config;
	(void)tls_folder;
	pthread_mutex_lock(&lock);
	fails = tried++ < unreachable;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (fails)
		return mr_fail(err, MR_E_UNAVAILABLE, "%s: nobody answers", host);
	return mr_directory_open_memory("", out, err);
}

static int answer_42(struct mr_arena *arena, struct mr_directory *dir, void *answer,
		     struct mr_error *err)
{
	bool fails;

	(void)arena;
	assert_non_null(dir);
	pthread_mutex_lock(&lock);
	fails = asked++ < lost;
	pthread_mutex_unlock(&lock);
	if (fails)
		return mr_fail(err, MR_E_UNAVAILABLE, "the connection is lost");
	*(int *)answer = 42;
	return 0;
}

static struct mr_config config = { .root = "", .host = "mail1.lan", .directory_deadline = 60 };

static int begin(void **state)
{
	(void)state;
	unreachable = lost = tried = asked = 0;
	own_socket = false;
	config.directory_deadline = 60;
	return 0;
}

/* Until so many connections have been tried. */
static void await_tries(int count)
{
	pthread_mutex_lock(&lock);
	while (tried < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* Asks mail2.lan, early; returns what it has answered, 0: nothing. */
static int ask_early(void)
{
	int answer = 0;
	struct mr_question question = { .host = "mail2.lan", .answer = &answer };
	struct mr_asking *asking = mr_ask_open(&config, NULL, &question, 1, answer_42);
	size_t answered;

	await_tries(1);
	assert_int_equal(asked, 0);
	answered = mr_ask_finish(asking);
	assert_int_equal(answered, question.result == 0);
	assert_int_equal(question.result, answer ? 0 : -1);
	return answer;
}

static void all_are_asked_and_those_who_answer_are_counted(void **state)
{
	int answers[3] = { 0 };
	struct mr_question questions[3] = { { .host = "mail2.lan", .answer = &answers[0] },
					    { .host = "mail3.lan", .answer = &answers[1] },
					    { .host = "mail4.lan", .answer = &answers[2] } };
	int failed = 0;

	(void)state;
	unreachable = 1;
	assert_int_equal(mr_ask_all(&config, NULL, questions, 3, answer_42), 2);
	for (size_t i = 0; i < 3; i++) {
		failed += questions[i].result < 0;
		assert_int_equal(answers[i], questions[i].result == 0 ? 42 : 0);
	}
	assert_int_equal(failed, 1);
}

static void this_host_is_asked_over_its_socket(void **state)
{
	int answer = 0;
	struct mr_question question = { .host = "mail1.lan", .answer = &answer };

	(void)state;
	assert_int_equal(mr_ask_all(&config, NULL, &question, 1, answer_42), 1);
	assert_true(own_socket);
	assert_int_equal(tried, 0);
	assert_int_equal(mr_ask_all(&config, "/folder", &question, 1, answer_42), 1);
	assert_int_equal(tried, 1);
}

static void who_was_reached_early_is_asked_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(ask_early(), 42);
	assert_int_equal(tried, 1);
	assert_int_equal(asked, 1);
}

static void who_was_not_there_early_is_tried_again_at_the_end(void **state)
{
	(void)state;
	unreachable = 1;
	assert_int_equal(ask_early(), 42);
	assert_int_equal(tried, 2);
}

static void an_early_connection_that_is_lost_is_made_again(void **state)
{
	(void)state;
	lost = 1;
	assert_int_equal(ask_early(), 42);
	assert_int_equal(tried, 2);
	assert_int_equal(asked, 2);
}

static void who_hangs_is_not_asked_twice(void **state)
{
	(void)state;
	lost = 1;
	config.directory_deadline = 0;
	assert_int_equal(ask_early(), 0);
	assert_int_equal(tried, 1);
	assert_int_equal(asked, 1);
}

static void who_is_cancelled_asks_nobody(void **state)
{
	int answer = 0;
	struct mr_question question = { .host = "mail2.lan", .answer = &answer };
	struct mr_asking *asking = mr_ask_open(&config, NULL, &question, 1, answer_42);

	(void)state;
	await_tries(1);
	mr_ask_cancel(asking);
	mr_ask_cancel(NULL);
	assert_int_equal(asked, 0);
	assert_int_equal(answer, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_are_asked_and_those_who_answer_are_counted, begin),
		cmocka_unit_test_setup(this_host_is_asked_over_its_socket, begin),
		cmocka_unit_test_setup(who_was_reached_early_is_asked_at_the_end, begin),
		cmocka_unit_test_setup(who_was_not_there_early_is_tried_again_at_the_end, begin),
		cmocka_unit_test_setup(an_early_connection_that_is_lost_is_made_again, begin),
		cmocka_unit_test_setup(who_hangs_is_not_asked_twice, begin),
		cmocka_unit_test_setup(who_is_cancelled_asks_nobody, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
