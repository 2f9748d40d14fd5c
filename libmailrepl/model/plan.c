#include "model/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct mr_step *append(struct mr_arena *arena, struct mr_plan *plan, enum mr_step_kind kind,
			      const char *summary)
{
	struct mr_step *step;
	char *line = mr_strdup(arena, summary);

	mr_printable(line);
	if (plan->count == plan->size) {
		size_t size = plan->size ? plan->size * 2 : 8;
		struct mr_step *steps = MR_NEW_ARRAY(arena, struct mr_step, size);

		if (plan->count)
			memcpy(steps, plan->steps, plan->count * sizeof(*steps));
		plan->steps = steps;
		plan->size = size;
	}
	step = &plan->steps[plan->count++];
	*step = (struct mr_step){ .kind = kind, .summary = line };
	return step;
}

struct mr_step *mr_plan_step(struct mr_arena *arena, struct mr_plan *plan, enum mr_step_kind kind,
			     const char *summary, ...)
{
	va_list args;
	struct mr_step *step;
	char *line;
	int len;

	va_start(args, summary);
	len = vasprintf(&line, summary, args);
	va_end(args);
	if (len < 0)
		abort();
	step = append(arena, plan, kind, line);
	free(line);
	return step;
}

void mr_plan_add_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
		       struct mr_entry *entry, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_ADD, summary);

	step->host = mr_strdup(arena, host);
	step->entry = entry;
}

void mr_plan_delete_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
			  const char *dn, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_DELETE, summary);

	step->host = mr_strdup(arena, host);
	step->dn = mr_strdup(arena, dn);
}

void mr_plan_rename_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
			  const char *dn, const char *name, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_RENAME, summary);

	step->host = mr_strdup(arena, host);
	step->dn = mr_strdup(arena, dn);
	step->name = mr_strdup(arena, name);
}

struct mr_step *mr_step_modify(struct mr_arena *arena, const char *host, const char *dn, size_t most,
			       const char *summary)
{
	struct mr_plan alone = { 0 };

	return mr_plan_modify_entry(arena, &alone, host, dn, most, summary);
}

void mr_plan_append(struct mr_arena *arena, struct mr_plan *plan, const struct mr_step *step)
{
	*append(arena, plan, step->kind, step->summary) = *step;
}

struct mr_step *mr_plan_modify_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
				     const char *dn, size_t most, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_MODIFY, summary);

	step->host = mr_strdup(arena, host);
	step->dn = mr_strdup(arena, dn);
	step->mods = MR_NEW_ARRAY(arena, struct mr_mod, most);
	return step;
}

struct mr_mod *mr_plan_mod(struct mr_arena *arena, struct mr_step *step, enum mr_mod_op op,
			   const char *attribute, const char *value)
{
	struct mr_mod *mod = &step->mods[step->mod_count++];

	*mod = (struct mr_mod){ .op = op, .attr.name = attribute };
	if (value)
		mr_list_add(arena, &mod->attr.values, value);
	return mod;
}

void mr_plan_file(struct mr_arena *arena, struct mr_plan *plan, const char *path,
		  const char *content, struct mr_file_attrs attrs, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_FILE, summary);

	step->path = mr_strdup(arena, path);
	step->content = mr_strdup(arena, content);
	step->content_len = strlen(content);
	step->attrs = attrs;
}

void mr_plan_take_back(struct mr_plan *plan, void (*take_back)(void *, struct mr_error *),
		       void *argument)
{
	struct mr_step *step = &plan->steps[plan->count - 1];

	step->take_back = take_back;
	step->argument = argument;
}

void mr_plan_action(struct mr_arena *arena, struct mr_plan *plan,
		    int (*run)(void *, struct mr_error *), void *argument, const char *summary)
{
	struct mr_step *step = append(arena, plan, MR_STEP_ACTION, summary);

	step->run = run;
	step->argument = argument;
}

static bool has_value(const struct mr_attr *attr, const char *value)
{
	for (size_t i = 0; attr && i < attr->values.count; i++)
		if (strcasecmp(attr->values.items[i], value) == 0)
			return true;
	return false;
}

/* Object classes are only added: an administrator may have put an auxiliary class of theirs on our
 * entry. */
static bool object_class_mod(struct mr_arena *arena, const struct mr_attr *old,
			     const struct mr_attr *wanted, struct mr_mod *mod)
{
	*mod = (struct mr_mod){ .op = MR_MOD_ADD, .attr.name = wanted->name };
	for (size_t i = 0; i < wanted->values.count; i++)
		if (!has_value(old, wanted->values.items[i]))
			mr_list_add(arena, &mod->attr.values, wanted->values.items[i]);
	return mod->attr.values.count > 0;
}

/* Returns true if *mod was filled: something differs. */
static bool wanted_mod(struct mr_arena *arena, const struct mr_entry *old,
		       const struct mr_attr *wanted, struct mr_mod *mod)
{
	const struct mr_attr *before = mr_entry_attr(old, wanted->name);

	/* a secret has no values among these */
	if (wanted->values.count == 0)
		return false;
	if (strcasecmp(wanted->name, "objectClass") == 0)
		return object_class_mod(arena, before, wanted, mod);
	if (before && mr_list_equal(&before->values, &wanted->values))
		return false;
	*mod = (struct mr_mod){ .op = MR_MOD_REPLACE, .attr.name = wanted->name };
	for (size_t i = 0; i < wanted->values.count; i++)
		mr_list_add(arena, &mod->attr.values, wanted->values.items[i]);
	return true;
}

static size_t names_count(const char *const *names)
{
	size_t count = 0;

	while (names && names[count])
		count++;
	return count;
}

void mr_plan_update_entry(struct mr_arena *arena, struct mr_plan *plan, const char *host,
			  const struct mr_entry *old, const struct mr_entry *wanted,
			  const char *const *owned_attrs, const char *summary)
{
	size_t owned = names_count(owned_attrs), count = 0;
	struct mr_mod *mods = MR_NEW_ARRAY(arena, struct mr_mod, wanted->count + owned);
	struct mr_step *step;

	for (size_t i = 0; i < wanted->count; i++)
		count += wanted_mod(arena, old, &wanted->attrs[i], &mods[count]);
	/* A replace without values also succeeds when the attribute is gone already (RFC 4511
	 * section 4.6). */
	for (size_t i = 0; i < owned; i++)
		if (mr_entry_attr(old, owned_attrs[i]) && !mr_entry_attr(wanted, owned_attrs[i]))
			mods[count++] = (struct mr_mod){
				.op = MR_MOD_REPLACE,
				.attr.name = mr_strdup(arena, owned_attrs[i]),
			};
	if (!count)
		return;
	step = append(arena, plan, MR_STEP_MODIFY, summary);
	step->host = mr_strdup(arena, host);
	step->dn = mr_strdup(arena, old->dn);
	step->mods = mods;
	step->mod_count = count;
}
