#include "features/verify.h"

#include <string.h>

#include "features/csn.h"

#define MOST_DIFFERENCES 100

const char *mr_copy_state_word(enum mr_copy_state state)
{
	static const char *const words[] = { [MR_COPY_UNKNOWN] = "unknown",
					     [MR_COPY_EQUAL] = "equal",
					     [MR_COPY_BEHIND] = "behind",
					     [MR_COPY_DIFFERS] = "differs" };

	return words[state];
}

enum mr_copy_state mr_verification_state(const struct mr_verification *verification)
{
	static const int rank[] = { [MR_COPY_EQUAL] = 0,
				    [MR_COPY_BEHIND] = 1,
				    [MR_COPY_UNKNOWN] = 2,
				    [MR_COPY_DIFFERS] = 3 };
	enum mr_copy_state worst = MR_COPY_EQUAL;

	for (size_t i = 0; i < verification->count; i++)
		if (rank[verification->items[i].state] > rank[worst])
			worst = verification->items[i].state;
	return worst;
}

/* The copy claims to have all up to its contextCSN. An entry that it lacks, or has otherwise, although it is not newer
 * than that, will not come by itself; nor will a deletion when the copy is as new as its owner. */
static bool contradicts(const struct mr_difference *difference, const char *copy_csn,
			const char *owner_csn)
{
	if (!copy_csn)
		return false;
	if (difference->kind == MR_DIFFERENCE_SURPLUS)
		return !owner_csn || strcmp(copy_csn, owner_csn) >= 0;
	return strcmp(difference->csn, copy_csn) <= 0;
}

static void judge(struct mr_arena *arena, struct mr_copy_check *check, const char *copy_csn,
		  const char *owner_csn)
{
	check->state = MR_COPY_BEHIND;
	if (copy_csn && (!owner_csn || strcmp(copy_csn, owner_csn) > 0)) {
		check->state = MR_COPY_DIFFERS;
		check->why = mr_printf(arena,
				       _("the copy is newer, %s has an old disk: run cl-rebuild "
					 "--repl there"),
				       check->owner->name);
	}
	for (size_t i = 0; i < check->differences.count; i++)
		if (contradicts(&check->differences.items[i], copy_csn, owner_csn))
			check->state = MR_COPY_DIFFERS;
}

int mr_verify_copy(struct mr_arena *arena, struct mr_directory *owner, struct mr_directory *holder,
		   struct mr_copy_check *check, struct mr_error *err)
{
	const char *owned = mr_dit_owned(arena, check->service, check->owner->name);
	const char *copy = mr_dit_copy(arena, check->service, check->owner->name);
	struct mr_digest *digests = MR_NEW_ARRAY(arena, struct mr_digest, 2);
	unsigned id = check->owner->server_id;
	char *copy_csn, *owner_csn;

	check->differences = (struct mr_differences){ 0 };
	check->why = NULL;
	/* The copy's CSN first: what it says was true before the entries were read. */
	if (mr_csn_read(arena, holder, mr_dit_all(check->service), id, &copy_csn, err) < 0 ||
	    mr_digest_read(owner, owned, &digests[0], err) < 0 ||
	    mr_digest_read(holder, copy, &digests[1], err) < 0)
		return -1;
	check->owner_entries = digests[0].entries;
	check->copy_entries = digests[1].entries;
	check->state = MR_COPY_EQUAL;
	/* One that does not say how far it is may have all, and is not trusted by anybody. */
	if (mr_digest_equal(&digests[0], &digests[1]) && copy_csn)
		return 0;
	if (mr_digest_differences(arena, owner, owned, &digests[0], holder, copy, &digests[1],
				  MOST_DIFFERENCES, &check->differences, err) < 0 ||
	    mr_csn_read(arena, owner, owned, id, &owner_csn, err) < 0)
		return -1;
	if (!owner_csn && mr_digest_equal(&digests[0], &digests[1]))
		return 0;
	judge(arena, check, copy_csn, owner_csn);
	return 0;
}

struct strays {
	struct mr_arena *arena;
	const struct mr_topology *topology;
	enum mr_service service;
	struct mr_differences *out;
};

static bool is_owned(struct mr_arena *arena, const struct strays *strays, const char *dn)
{
	const struct mr_topology *topology = strays->topology;

	for (size_t i = 0; i < topology->count; i++)
		if (mr_host_is_provider(topology, &topology->hosts[i]) &&
		    topology->hosts[i].services & strays->service &&
		    mr_dn_equal(dn, mr_dit_copy(arena, strays->service, topology->hosts[i].name)))
			return true;
	return false;
}

static int visit_container(void *context, const struct mr_entry *entry, struct mr_error *err)
{
	MR_ARENA scratch = mr_arena_open();
	struct strays *strays = context;
	struct mr_differences *out = strays->out;
	const char *csn = mr_entry_value(entry, "entryCSN");

	(void)err;
	if (is_owned(scratch, strays, entry->dn))
		return 0;
	if (out->count == MOST_DIFFERENCES) {
		out->more = true;
		return 0;
	}
	if (!out->items)
		out->items = MR_NEW_ARRAY(strays->arena, struct mr_difference, MOST_DIFFERENCES);
	out->items[out->count++] = (struct mr_difference){
		MR_DIFFERENCE_SURPLUS, mr_strdup(strays->arena, entry->dn), NULL,
		mr_strdup(strays->arena, csn ? csn : "")
	};
	return 0;
}

int mr_verify_strays(struct mr_arena *arena, struct mr_directory *holder, enum mr_service service,
		     const struct mr_topology *topology, struct mr_differences *out,
		     struct mr_error *err)
{
	static const char *const attrs[] = { "entryCSN", NULL };
	const struct mr_search find = { .base = mr_dit_all(service),
					.scope = MR_SCOPE_ONE,
					.attrs = attrs };
	struct strays strays = { arena, topology, service, out };

	*out = (struct mr_differences){ 0 };
	if (mr_directory_visit(holder, &find, visit_container, &strays, err) < 0 &&
	    err->code != MR_E_NOT_FOUND)
		return -1;
	return 0;
}
