#include "features/ask.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "features/instance.h"

enum state { CONNECTING, ASKING, CANCELLED };

struct thread {
	struct mr_asking *asking;
	struct mr_question *question;
	pthread_t id;
	bool started;
};

struct mr_asking {
	struct mr_arena *arena;
	const struct mr_config *config;
	const char *tls_folder;
	mr_ask ask;
	struct thread *threads;
	size_t count;
	pthread_mutex_t lock; /* of state */
	pthread_cond_t changed;
	enum state state;
};

static enum state state_of(struct mr_asking *asking, bool wait)
{
	enum state state;

	pthread_mutex_lock(&asking->lock);
	while (wait && asking->state == CONNECTING)
		pthread_cond_wait(&asking->changed, &asking->lock);
	state = asking->state;
	pthread_mutex_unlock(&asking->lock);
	return state;
}

static void set_state(struct mr_asking *asking, enum state state)
{
	pthread_mutex_lock(&asking->lock);
	asking->state = state;
	pthread_cond_broadcast(&asking->changed);
	pthread_mutex_unlock(&asking->lock);
}

static int connect_to(struct mr_arena *arena, const struct thread *thread,
		      struct mr_directory **dir)
{
	const struct mr_asking *asking = thread->asking;
	struct mr_question *question = thread->question;

	if (!asking->tls_folder && asking->config->host &&
	    strcmp(question->host, asking->config->host) == 0)
		return mr_instance_open(arena, asking->config, dir, &question->err);
	return mr_instance_open_peer(arena, asking->config, asking->tls_folder, question->host, dir,
				     &question->err);
}

static int put_question(struct mr_arena *arena, const struct thread *thread,
			struct mr_directory *dir)
{
	struct mr_question *question = thread->question;

	return thread->asking->ask(arena, dir, question->answer, &question->err);
}

static int connect_and_ask(const struct thread *thread)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	return connect_to(arena, thread, &dir) < 0 ? -1 : put_question(arena, thread, dir);
}

/* Not the deadline that has passed: whoever hangs is not tried twice. */
static bool failed_at_once(const struct thread *thread, long long begin)
{
	return mr_now_ms() - begin < thread->asking->config->directory_deadline * 500;
}

/* What the connection is made for has not happened yet: who is not there may be by then, and a connection
 * may be lost meanwhile. */
static int connect_early(const struct thread *thread)
{
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;
	long long begin = mr_now_ms();
	bool reached = connect_to(arena, thread, &dir) == 0;
	bool again = failed_at_once(thread, begin) || state_of(thread->asking, false) == CONNECTING;

	if (state_of(thread->asking, true) == CANCELLED || (!reached && !again))
		return -1;
	if (!reached)
		return connect_and_ask(thread);
	begin = mr_now_ms();
	if (put_question(arena, thread, dir) == 0)
		return 0;
	if (thread->question->err.code != MR_E_UNAVAILABLE || !failed_at_once(thread, begin))
		return -1;
	return connect_and_ask(thread);
}

static void *run(void *argument)
{
	const struct thread *thread = argument;

	thread->question->result = state_of(thread->asking, false) == CONNECTING
					   ? connect_early(thread)
					   : connect_and_ask(thread);
	return NULL;
}

static struct mr_asking *begin(const struct mr_config *config, const char *tls_folder,
			       struct mr_question *questions, size_t count, mr_ask ask,
			       enum state state)
{
	struct mr_arena *arena = mr_arena_open();
	struct mr_asking *asking = MR_NEW(arena, struct mr_asking);

	*asking = (struct mr_asking){
		.arena = arena,
		.config = config,
		.tls_folder = tls_folder,
		.ask = ask,
		.threads = MR_NEW_ARRAY(arena, struct thread, count),
		.count = count,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.state = state,
	};
	for (size_t i = 0; i < count; i++) {
		struct thread *thread = &asking->threads[i];

		*thread = (struct thread){ .asking = asking, .question = &questions[i] };
		thread->started = pthread_create(&thread->id, NULL, run, thread) == 0;
	}
	return asking;
}

/* Returns how many have answered. */
static size_t end(struct mr_asking *asking, enum state state)
{
	size_t answered = 0;

	set_state(asking, state);
	for (size_t i = 0; i < asking->count; i++) {
		struct thread *thread = &asking->threads[i];

		if (thread->started)
			pthread_join(thread->id, NULL);
		/* So many that there is no room for another thread: one after the other, then. */
		else if (state == ASKING)
			run(thread);
		answered += state == ASKING && thread->question->result == 0;
	}
	mr_arena_close(asking->arena);
	return answered;
}

struct mr_asking *mr_ask_open(const struct mr_config *config, const char *tls_folder,
			      struct mr_question *questions, size_t count, mr_ask ask)
{
	return begin(config, tls_folder, questions, count, ask, CONNECTING);
}

size_t mr_ask_finish(struct mr_asking *asking)
{
	return end(asking, ASKING);
}

void mr_ask_cancel(struct mr_asking *asking)
{
	if (asking)
		end(asking, CANCELLED);
}

size_t mr_ask_all(const struct mr_config *config, const char *tls_folder,
		  struct mr_question *questions, size_t count, mr_ask ask)
{
	return end(begin(config, tls_folder, questions, count, ask, ASKING), ASKING);
}
