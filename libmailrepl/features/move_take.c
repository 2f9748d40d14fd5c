#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "features/instance.h"
#include "features/move_state.h"

#define SHORT_PASS_MS 5000 /* what changes in so long a time is copied quickly while all waits */
#define MOST_PASSES 10
#define LIST_MS 600000

struct taking {
	const struct mr_mover *mover;
	const char *program, *host, *user;
	struct mr_directory *peer; /* the old owner's */
	struct mr_move_entry at;
};

static int look_again(struct taking *taking, struct mr_error *err)
{
	return mr_move_entry_read(taking->mover->arena, taking->peer, taking->host, taking->user,
				  &taking->at, err);
}

static int ask(const struct taking *taking, const char *verb, const char *argument, int ms,
	       struct mr_channel **out, struct mr_error *err)
{
	struct mr_arena *arena = taking->mover->arena;

	return mr_move_ask(arena, taking->mover->config, taking->host,
			   mr_printf(arena, "%s %s%s%s", verb, taking->user, argument ? " " : "",
				     argument ? argument : ""),
			   ms, out, err);
}

static int request(const struct taking *taking, const char *verb, const char *argument,
		   struct mr_error *err)
{
	struct mr_channel *channel;

	if (ask(taking, verb, argument, MR_MOVE_DEADLINE_MS, &channel, err) < 0)
		return -1;
	mr_channel_close(channel);
	return 0;
}

static int pass(const struct taking *taking, bool *complete, struct mr_error *err)
{
	return mr_move_pass(taking->mover->arena, taking->mover->config, taking->program,
			    taking->host, taking->user, complete, err);
}

/* While the mailbox is in use: until a pass is short, so that the last one will be. */
static int copy(struct taking *taking, struct mr_error *err)
{
	for (int i = 0; i < MOST_PASSES; i++) {
		const long long begin = mr_now_ms();
		bool complete;

		if (pass(taking, &complete, err) < 0)
			return -1;
		if (complete && mr_now_ms() - begin < SHORT_PASS_MS)
			break;
	}
	return 0;
}

/* NULL: nobody has it. */
static int whose_mailbox(const struct taking *taking, const char *address, const char **user,
			 struct mr_error *err)
{
	struct mr_arena *arena = taking->mover->arena;
	const char *const attrs[] = { "uid", "cn", NULL };
	const struct mr_search find = {
		.base = mr_dit_owned(arena, MR_MAIL, taking->mover->config->host),
		.filter = mr_filter(arena, "(|(mailRoutingAddress=%s)(mailReplFormerAddress=%s))",
				    address, address),
		.attrs = attrs,
	};
	struct mr_entries found = { 0 };

	*user = NULL;
	if (mr_directory_list(taking->mover->dir, arena, &find, &found, err) < 0)
		return -1;
	if (found.count == 1)
		*user = mr_entry_value(found.items[0], "uid");
	if (found.count && !*user)
		*user = "";
	return 0;
}

/* The user's own name if it is free, or was the same user's before. */
static int choose_mailbox(const struct taking *taking, const char **out, struct mr_error *err)
{
	const struct mr_mover *mover = taking->mover;
	const char *owner, *id = taking->user;

	for (int n = 2;; n++) {
		*out = mr_printf(mover->arena, "%s@%s", id, mover->config->host);
		if (whose_mailbox(taking, *out, &owner, err) < 0)
			return -1;
		/* A file in its place and nobody's entry: something else that nobody expects. */
		if (owner ? strcmp(owner, taking->user) == 0 &&
				    mr_move_folder_is_free(mover->config, id)
			  : mr_move_folder_is_free(mover->config, id) &&
				    !mr_move_folder_is_held(mover->config, id))
			return 0;
		id = mr_printf(mover->arena, "%s-%d", taking->user, n);
	}
}

static int read_lines(const struct taking *taking, struct mr_list *out, struct mr_error *err)
{
	struct mr_channel *channel;
	char line[4096];
	int rc;

	*out = (struct mr_list){ 0 };
	if (ask(taking, "list", NULL, LIST_MS, &channel, err) < 0)
		return -1;
	while ((rc = mr_channel_line(channel, line, sizeof(line), err)) == 0 && *line)
		mr_list_add(taking->mover->arena, out, line);
	mr_channel_close(channel);
	return rc;
}

/* Both are sorted: the first line that differs is named. */
static int compare(const struct taking *taking, struct mr_error *err)
{
	const char *staged = mr_move_staged_id(taking->mover->arena, taking->user);
	struct mr_list theirs, ours;

	if (read_lines(taking, &theirs, err) < 0 ||
	    mr_move_contents(taking->mover->arena, staged, &ours, err) < 0)
		return -1;
	for (size_t i = 0; i < theirs.count || i < ours.count; i++) {
		const char *there = i < theirs.count ? theirs.items[i] : "";
		const char *here = i < ours.count ? ours.items[i] : "";

		if (strcmp(there, here) != 0)
			return mr_fail(
				err, MR_E_TEMPORARY,
				_("the copy of the mail of %s differs: %s has \"%s\", here is "
				  "\"%s\""),
				taking->user, taking->host, there, here);
	}
	mr_log(MR_LOG_DEBUG, "%s: %zu lines are equal", taking->user, ours.count);
	return 0;
}

/* From here on nothing changes at the old owner. */
static int finish_copy(struct taking *taking, struct mr_error *err)
{
	const char *mailbox;
	bool complete;

	if (request(taking, "hold", NULL, err) < 0 || pass(taking, &complete, err) < 0)
		return -1;
	if (!complete)
		return mr_fail(err, MR_E_TEMPORARY, _("the mail of %s still changes at %s"),
			       taking->user, taking->host);
	if (compare(taking, err) < 0 || choose_mailbox(taking, &mailbox, err) < 0)
		return -1;
	return request(taking, "adopt", mailbox, err);
}

static int adopt_folder(void *argument, struct mr_error *err)
{
	const struct taking *taking = argument;
	struct mr_arena *arena = taking->mover->arena;

	return mr_move_folder_adopt(taking->mover->config, taking->user,
				    mr_move_id(arena, taking->at.move.mailbox), err);
}

/* The account as it was, hash and number included, but for where it is. */
static int plan_account(const struct taking *taking, struct mr_secret *hash, struct mr_plan *plan,
			struct mr_error *err)
{
	const struct mr_mover *mover = taking->mover;
	struct mr_arena *arena = mover->arena;
	const char *self = mover->config->host;
	const char *dn =
		mr_dit_user(arena, taking->user, mr_dit_owned(arena, MR_UNIX, taking->host));
	struct mr_entry *old, *entry;

	if (mr_directory_read_whole(taking->peer, arena, dn, hash, &old, err) < 0)
		return -1;
	if (!old)
		return mr_fail(err, MR_E_PROTOCOL, _("user %s has no account at %s"), taking->user,
			       taking->host);
	entry = mr_entry_new(arena,
			     mr_dit_user(arena, taking->user, mr_dit_owned(arena, MR_UNIX, self)));
	for (size_t i = 0; i < old->count; i++) {
		const struct mr_attr *attr = &old->attrs[i];

		if (strcasecmp(attr->name, "mailHost") == 0)
			mr_entry_add(arena, entry, attr->name, self);
		else if (strcasecmp(attr->name, "mailRoutingAddress") == 0)
			mr_entry_add(arena, entry, attr->name, taking->at.move.mailbox);
		else if (attr->secret)
			mr_entry_add_secret(arena, entry, attr->name, attr->secret);
		else
			mr_entry_add_list(arena, entry, attr->name, &attr->values);
	}
	mr_plan_add_entry(
		arena, plan, NULL, entry,
		mr_printf(arena, _("add account %s, which was at %s"), taking->user, taking->host));
	return 0;
}

/* What the route becomes here. `before`: what a mailbox that had been here left behind, or NULL. */
static struct mr_route new_route(const struct taking *taking, const struct mr_route *before)
{
	const struct mr_route *old = &taking->at.route;
	struct mr_arena *arena = taking->mover->arena;
	const char *tail = mr_printf(arena, "@%s", taking->mover->config->host);
	const char *mailbox = taking->at.move.mailbox;
	struct mr_route route = {
		.user = taking->user,
		.addresses = old->addresses,
		.owner = taking->mover->config->host,
		.routing_address = mailbox,
		.access = old->access,
		.held_until = old->held_until,
	};

	for (size_t i = 0; i < old->forward.count; i++) {
		const char *to = old->forward.items[i];

		mr_list_add(arena, &route.forward,
			    strcmp(to, old->routing_address) == 0 ? mailbox : to);
	}
	for (size_t i = 0; before && i < before->former.count; i++)
		if (mr_ends_with(before->former.items[i], tail) &&
		    strcmp(before->former.items[i], mailbox) != 0)
			mr_list_add(arena, &route.former, before->former.items[i]);
	return route;
}

/* In the place of what a mailbox that had been here left behind, in one modify. */
static int plan_route(const struct taking *taking, struct mr_plan *plan, struct mr_error *err)
{
	static const char *const owned[] = { "mailReplFormerAddress", "mailReplForward",
					     "mailReplAccess",        "mailReplHeldUntil",
					     "mailReplMove",          NULL };
	const struct mr_mover *mover = taking->mover;
	struct mr_arena *arena = mover->arena;
	const char *container = mr_dit_owned(arena, MR_MAIL, mover->config->host);
	struct mr_route before = { 0 }, route;
	struct mr_entry *entry;
	const char *summary;

	if (mr_directory_read(mover->dir, arena, mr_dit_user(arena, taking->user, container),
			      mr_route_attrs, &entry, err) < 0 ||
	    (entry && mr_route_parse(arena, entry, &before, err) < 0))
		return -1;
	if (entry && mr_route_kind(&before) == MR_ROUTE_GONE)
		return mr_fail(
			err, MR_E_EXISTS,
			_("%s: the addresses of a user of this name who is gone are held here"),
			taking->user);
	route = new_route(taking, entry ? &before : NULL);
	summary = mr_printf(arena, _("add route %s -> %s"),
			    mr_list_join(arena, &route.addresses, ", "), route.routing_address);
	if (entry)
		mr_plan_update_entry(arena, plan, NULL, entry,
				     mr_route_format(arena, &route, container), owned, summary);
	else
		mr_plan_add_entry(arena, plan, NULL, mr_route_format(arena, &route, container),
				  summary);
	return 0;
}

static int adopt(struct taking *taking, struct mr_error *err)
{
	struct mr_arena *arena = taking->mover->arena;
	struct mr_plan plan = { 0 };
	MR_SECRET hash = { 0 };

	mr_plan_action(
		arena, &plan, adopt_folder, taking,
		mr_printf(arena, _("put the mail of %s in its place"), taking->at.move.mailbox));
	if (plan_account(taking, &hash, &plan, err) < 0 || plan_route(taking, &plan, err) < 0)
		return -1;
	return mr_move_apply(taking->mover, &plan, err);
}

static bool is_for_us(const struct taking *taking)
{
	return taking->at.entry && strcmp(taking->at.move.host, taking->mover->config->host) == 0;
}

/* All is here: only the old owner has something to do. */
static int has_adopted(const struct taking *taking, bool *yes, struct mr_error *err)
{
	static const char *const attrs[] = { "mailRoutingAddress", NULL };
	const struct mr_mover *mover = taking->mover;
	const char *dn = mr_dit_user(mover->arena, taking->user,
				     mr_dit_owned(mover->arena, MR_MAIL, mover->config->host));
	struct mr_entry *entry;

	if (mr_directory_read(mover->dir, mover->arena, dn, attrs, &entry, err) < 0)
		return -1;
	*yes = entry && mr_entry_value(entry, "mailRoutingAddress");
	return 0;
}

static int take(struct taking *taking, struct mr_error *err)
{
	bool done;

	if (look_again(taking, err) < 0)
		return -1;
	if (is_for_us(taking) && taking->at.move.phase == MR_MOVE_COPYING && copy(taking, err) < 0)
		return -1;
	if (is_for_us(taking) && taking->at.move.phase <= MR_MOVE_HELD &&
	    (finish_copy(taking, err) < 0 || look_again(taking, err) < 0))
		return -1;
	if (!is_for_us(taking) || taking->at.move.phase != MR_MOVE_ADOPTING)
		return 0;
	if (has_adopted(taking, &done, err) < 0)
		return -1;
	return done ? 0 : adopt(taking, err);
}

#define MOST_WORDS 300

/* The command that waits at the other host says it. Whoever cannot be told is what is wrong. */
static void tell(const struct taking *taking, const struct mr_error *why)
{
	char words[MOST_WORDS];
	struct mr_error ignored;

	mr_move_trouble_note(taking->mover->config, taking->user, taking->mover->config->host,
			     why->message);
	snprintf(words, sizeof(words), "%.*s", MOST_WORDS - 1, why->message);
	for (char *at = words; (at = strpbrk(at, "\r\n")); at++)
		*at = ' ';
	if (request(taking, "trouble", words, &ignored) < 0)
		mr_log(MR_LOG_DEBUG, "%s", ignored.message);
}

int mr_move_take(const struct mr_mover *mover, const char *program, const char *host,
		 const char *user, struct mr_error *err)
{
	struct taking taking = { .mover = mover, .program = program, .host = host, .user = user };
	int rc;

	if (mr_instance_open_peer(mover->arena, mover->config, NULL, host, &taking.peer, err) < 0)
		return -1;
	rc = take(&taking, err);
	if (rc < 0)
		tell(&taking, err);
	mr_directory_close(taking.peer);
	return rc < 0 ? mr_fail_in(err, _("moving %s from %s"), user, host) : 0;
}
