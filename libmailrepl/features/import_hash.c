#include "features/import.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/password.h"
#include "base/log.h"

#define MOST_THREADS 64
#define HASH_ROOM 160
#define DRAW_MS 200

struct hashing {
	struct mr_import *import;
	size_t *which; /* items whose passwords are to be hashed */
	size_t count;
	atomic_size_t next, done;
	atomic_bool failed;
	pthread_mutex_t lock;
	struct mr_error err;
};

static bool needs_hash(const struct mr_import_item *item)
{
	return item->user->password.data &&
	       (item->state == MR_IMPORT_NEW || item->state == MR_IMPORT_OTHER);
}

static int hash_one(struct hashing *all, size_t i, struct mr_error *err)
{
	struct mr_import_item *item = &all->import->items[all->which[i]];
	char *room = all->import->hashes.data + i * HASH_ROOM;
	MR_SECRET hash = { 0 };

	if (mr_password_hash(&item->user->password, &hash, err) < 0)
		return mr_fail_in(err, _("line %lu"), item->user->line);
	if (hash.len >= HASH_ROOM)
		return mr_fail(err, MR_E_INTERNAL, "a hash of %zu characters", hash.len);
	memcpy(room, hash.data, hash.len);
	item->hash = (struct mr_secret){ room, hash.len };
	return 0;
}

static void *work(void *argument)
{
	struct hashing *all = argument;
	struct mr_error err;
	size_t i;

	while (!all->failed && (i = all->next++) < all->count) {
		if (hash_one(all, i, &err) < 0) {
			pthread_mutex_lock(&all->lock);
			all->err = err;
			all->failed = true;
			pthread_mutex_unlock(&all->lock);
		}
		all->done++;
	}
	return NULL;
}

static void run_threads(struct hashing *all)
{
	const struct timespec pause = { 0, DRAW_MS * 1000000L };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[MOST_THREADS];
	long count = 0;

	while (count < cores && count < MOST_THREADS && (size_t)count < all->count)
		if (pthread_create(&threads[count], NULL, work, all) == 0)
			count++;
		else
			break;
	if (!count)
		work(all);
	while (!all->failed && all->done < all->count) {
		mr_progress(_("passwords hashed, slowly, so that guessing them is slow"), all->done,
			    all->count);
		nanosleep(&pause, NULL);
	}
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

int mr_import_hash(struct mr_import *import, struct mr_error *err)
{
	struct hashing all = { .import = import, .lock = PTHREAD_MUTEX_INITIALIZER };

	all.which = MR_NEW_ARRAY(import->arena, size_t, import->file->count + 1);
	for (size_t i = 0; i < import->file->count; i++)
		if (needs_hash(&import->items[i]))
			all.which[all.count++] = i;
	if (!all.count)
		return 0;
	mr_secret_room(&import->hashes, all.count * HASH_ROOM);
	run_threads(&all);
	if (all.failed)
		*err = all.err;
	return all.failed ? -1 : 0;
}
