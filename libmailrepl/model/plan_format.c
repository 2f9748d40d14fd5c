/* Plans as text and as values for --json. */
#include "model/plan.h"

#include <string.h>

#include "adapters/directory.h"
#include "adapters/ldif.h"

static const char *const kind_words[] = {
	[MR_STEP_ADD] = "add",       [MR_STEP_MODIFY] = "modify", [MR_STEP_DELETE] = "delete",
	[MR_STEP_RENAME] = "rename", [MR_STEP_FILE] = "file",     [MR_STEP_ACTION] = "action",
};

static const char *const op_words[] = {
	[MR_MOD_ADD] = "add",
	[MR_MOD_DELETE] = "delete",
	[MR_MOD_REPLACE] = "replace",
	[MR_MOD_INCREMENT] = "increment",
};

static struct mr_attr visible(struct mr_arena *arena, const struct mr_attr *attr)
{
	struct mr_attr shown = { .name = attr->name, .values = attr->values };

	if (attr->secret) {
		shown.values = (struct mr_list){ 0 };
		mr_list_add(arena, &shown.values, "(hidden)");
	}
	return shown;
}

/* One entry as LDIF, without the blank line at its end. */
static char *ldif_of(struct mr_arena *arena, const char *dn, const struct mr_attr *attrs,
		     size_t count)
{
	MR_BUF text = { 0 };
	struct mr_entry entry = {
		.dn = dn,
		.attrs = MR_NEW_ARRAY(arena, struct mr_attr, count),
		.count = count,
		.size = count,
	};

	for (size_t i = 0; i < count; i++)
		entry.attrs[i] = visible(arena, &attrs[i]);
	mr_ldif_format(&text, &entry);
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return mr_strdup(arena, mr_buf_text(&text));
}

static void add_indented(struct mr_buf *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		mr_buf_puts(out, "     ");
		mr_buf_add(out, text, len);
		mr_buf_putc(out, '\n');
		text += len;
		text += *text == '\n';
	}
}

/* A change record (RFC 2849). */
static void add_modify(struct mr_arena *arena, const struct mr_step *step, struct mr_buf *out)
{
	add_indented(out, ldif_of(arena, step->dn, NULL, 0));
	add_indented(out, "changetype: modify");
	for (size_t i = 0; i < step->mod_count; i++) {
		const struct mr_mod *mod = &step->mods[i];
		/* the values come after the line of the DN */
		const char *values = strchr(ldif_of(arena, step->dn, &mod->attr, 1), '\n');

		mr_buf_printf(out, "     %s: %s\n", op_words[mod->op], mod->attr.name);
		if (values)
			add_indented(out, values + 1);
		add_indented(out, "-");
	}
}

static void add_rename(struct mr_arena *arena, const struct mr_step *step, struct mr_buf *out)
{
	const char *type = mr_strndup(arena, step->dn, strcspn(step->dn, "= "));

	add_indented(out, ldif_of(arena, step->dn, NULL, 0));
	add_indented(out, "changetype: modrdn");
	add_indented(out, mr_printf(arena, "newrdn: %s", mr_dn(arena, type, step->name, NULL)));
	add_indented(out, "deleteoldrdn: 1");
}

static void add_details(struct mr_arena *arena, const struct mr_step *step, struct mr_buf *out)
{
	if (step->host)
		mr_buf_printf(out, "     # %s: %s\n", _("on"), step->host);
	switch (step->kind) {
	case MR_STEP_ADD:
		add_indented(out, ldif_of(arena, step->entry->dn, step->entry->attrs,
					  step->entry->count));
		break;
	case MR_STEP_MODIFY:
		add_modify(arena, step, out);
		break;
	case MR_STEP_DELETE:
		add_indented(out, ldif_of(arena, step->dn, NULL, 0));
		add_indented(out, "changetype: delete");
		break;
	case MR_STEP_RENAME:
		add_rename(arena, step, out);
		break;
	case MR_STEP_FILE:
	case MR_STEP_ACTION:
		break;
	}
}

void mr_plan_format(const struct mr_plan *plan, bool details, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();

	if (!plan->count)
		mr_buf_printf(out, "%s\n", _("nothing to do"));
	for (size_t i = 0; i < plan->count; i++) {
		mr_buf_printf(out, "%3zu. %s\n", i + 1, plan->steps[i].summary);
		if (details)
			add_details(arena, &plan->steps[i], out);
	}
}

static struct mr_value *attrs_value(struct mr_arena *arena, const struct mr_entry *entry)
{
	struct mr_value *value = mr_value_object(arena);

	for (size_t i = 0; i < entry->count; i++) {
		struct mr_attr attr = visible(arena, &entry->attrs[i]);

		mr_value_set(arena, value, attr.name, mr_value_strings(arena, &attr.values));
	}
	return value;
}

static struct mr_value *mods_value(struct mr_arena *arena, const struct mr_step *step)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < step->mod_count; i++) {
		struct mr_attr attr = visible(arena, &step->mods[i].attr);
		struct mr_value *value = mr_value_append(arena, list, mr_value_object(arena));

		mr_value_set_string(arena, value, "op", op_words[step->mods[i].op]);
		mr_value_set_string(arena, value, "attribute", attr.name);
		mr_value_set(arena, value, "values", mr_value_strings(arena, &attr.values));
	}
	return list;
}

static struct mr_value *step_value(struct mr_arena *arena, const struct mr_step *step)
{
	const char *dn = step->kind == MR_STEP_ADD ? step->entry->dn : step->dn;
	struct mr_value *value = mr_value_object(arena);

	mr_value_set_string(arena, value, "kind", kind_words[step->kind]);
	mr_value_set_string(arena, value, "summary", step->summary);
	if (step->host)
		mr_value_set_string(arena, value, "host", step->host);
	if (dn)
		mr_value_set_string(arena, value, "dn", dn);
	if (step->kind == MR_STEP_ADD)
		mr_value_set(arena, value, "attributes", attrs_value(arena, step->entry));
	if (step->kind == MR_STEP_MODIFY)
		mr_value_set(arena, value, "modifications", mods_value(arena, step));
	if (step->name)
		mr_value_set_string(arena, value, "name", step->name);
	if (step->path)
		mr_value_set_string(arena, value, "path", step->path);
	return value;
}

struct mr_value *mr_plan_value(struct mr_arena *arena, const struct mr_plan *plan)
{
	struct mr_value *list = mr_value_list(arena);

	for (size_t i = 0; i < plan->count; i++)
		mr_value_append(arena, list, step_value(arena, &plan->steps[i]));
	return list;
}
