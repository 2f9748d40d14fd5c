#include "features/ask.h"

#include <pthread.h>

#include "features/instance.h"

struct thread {
	const struct mr_config *config;
	const char *tls_folder;
	struct mr_question *question;
	mr_ask ask;
	pthread_t id;
	bool started;
};

static void *run(void *argument)
{
	const struct thread *thread = argument;
	struct mr_question *question = thread->question;
	MR_ARENA arena = mr_arena_open();
	MR_DIRECTORY dir = NULL;

	question->result = mr_instance_open_peer(arena, thread->config, thread->tls_folder,
						 question->host, &dir, &question->err);
	if (question->result == 0)
		question->result = thread->ask(arena, dir, question->answer, &question->err);
	return NULL;
}

size_t mr_ask_all(const struct mr_config *config, const char *tls_folder,
		  struct mr_question *questions, size_t count, mr_ask ask)
{
	MR_ARENA arena = mr_arena_open();
	struct thread *threads = MR_NEW_ARRAY(arena, struct thread, count);
	size_t answered = 0;

	for (size_t i = 0; i < count; i++) {
		struct thread *thread = &threads[i];

		*thread = (struct thread){ config, tls_folder, &questions[i], ask, 0, false };
		thread->started = pthread_create(&thread->id, NULL, run, thread) == 0;
	}
	for (size_t i = 0; i < count; i++) {
		/* So many that there is no room for another thread: one after the other, then. */
		if (!threads[i].started)
			run(&threads[i]);
		else
			pthread_join(threads[i].id, NULL);
		answered += questions[i].result == 0;
	}
	return answered;
}
