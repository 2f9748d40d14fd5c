#include "base/log.h"
#include "features/move_state.h"

int mr_move_entry_parse(struct mr_arena *arena, struct mr_entry *entry, struct mr_move_entry *out,
			struct mr_error *err)
{
	struct mr_move_entry at = { .entry = entry };

	*out = (struct mr_move_entry){ 0 };
	if (mr_route_parse(arena, entry, &at.route, err) < 0)
		return -1;
	if (!at.route.move)
		return 0;
	if (mr_move_parse(arena, at.route.move, &at.move, err) < 0)
		return mr_fail_in(err, "%s", entry->dn);
	*out = at;
	return 0;
}

int mr_move_entry_read(struct mr_arena *arena, struct mr_directory *dir, const char *owner,
		       const char *user, struct mr_move_entry *out, struct mr_error *err)
{
	const char *dn = mr_dit_user(arena, user, mr_dit_owned(arena, MR_MAIL, owner));
	struct mr_entry *entry;

	*out = (struct mr_move_entry){ 0 };
	if (mr_directory_read(dir, arena, dn, mr_route_attrs, &entry, err) < 0)
		return -1;
	return entry ? mr_move_entry_parse(arena, entry, out, err) : 0;
}

int mr_move_entry_list(struct mr_arena *arena, struct mr_directory *dir, const char *base,
		       struct mr_move_entry **out, size_t *count, struct mr_error *err)
{
	const struct mr_search find = { .base = base,
					.filter = "(mailReplMove=*)",
					.attrs = mr_route_attrs };
	struct mr_entries found = { 0 };

	*count = 0;
	if (mr_directory_list(dir, arena, &find, &found, err) < 0)
		return -1;
	*out = MR_NEW_ARRAY(arena, struct mr_move_entry, found.count);
	for (size_t i = 0; i < found.count; i++) {
		struct mr_error why;

		if (mr_move_entry_parse(arena, found.items[i], &(*out)[*count], &why) < 0)
			mr_log(MR_LOG_WARNING, "%s", why.message);
		else
			*count += (*out)[*count].entry != NULL;
	}
	return 0;
}

int mr_move_entry_advance(struct mr_arena *arena, struct mr_directory *dir,
			  const struct mr_move_entry *from, const struct mr_move *next,
			  struct mr_error *err)
{
	/* The old value by name: whoever changes it at the same time makes this one fail. */
	struct mr_mod mods[2] = { { .op = MR_MOD_DELETE, .attr.name = "mailReplMove" },
				  { .op = MR_MOD_ADD, .attr.name = "mailReplMove" } };

	mr_list_add(arena, &mods[0].attr.values, from->route.move);
	if (next)
		mr_list_add(arena, &mods[1].attr.values, mr_move_format(arena, next));
	if (mr_directory_modify(dir, from->entry->dn, mods, next ? 2 : 1, err) < 0)
		return -1;
	mr_audit(_("move of %s to %s: %s"), from->route.user, from->move.host,
		 next ? mr_move_word(next->phase) : _("ended"));
	return 0;
}
