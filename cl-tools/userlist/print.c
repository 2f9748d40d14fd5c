#include "userlist/print.h"

#include <string.h>

#include "adapters/csv.h"
#include "adapters/json.h"
#include "base/table.h"
#include "features/import_file.h"

#define COLUMNS 8
#define MEASURED 200 /* rows */

static const char *const titles[COLUMNS] = {
	N_("USER"),  N_("KIND"), N_("OWNER"),     N_("STATE"),
	N_("QUOTA"), N_("NAME"), N_("ADDRESSES"), N_("FORWARD")
};

struct printing {
	enum userlist_form form;
	FILE *out;
	struct mr_arena *scratch; /* for one row */
	struct mr_arena *page;    /* of the table's first rows */
	const char **cells;       /* the same, while they are collected */
	size_t rows;
	size_t widths[COLUMNS]; /* known when they were printed */
	bool measured;
};

static const char *size_text(struct mr_arena *arena, long long bytes)
{
	static const char units[] = " KMGT";
	int unit = 0;

	if (!bytes)
		return "";
	while (bytes % 1024 == 0 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	return unit ? mr_printf(arena, "%lld%c", bytes, units[unit])
		    : mr_printf(arena, "%lld", bytes);
}

static void cells_of(struct mr_arena *arena, const struct mr_userlist_row *row, const char **cells)
{
	cells[0] = mr_strdup(arena, row->name);
	cells[1] = mr_user_kind_word(row->kind);
	cells[2] = mr_strdup(arena, row->owner ? row->owner : "");
	cells[3] = mr_userlist_state(arena, row);
	cells[4] = size_text(arena, row->quota);
	cells[5] = mr_strdup(arena, row->full_name ? row->full_name : "");
	cells[6] = mr_list_join(arena, &row->addresses, " ");
	cells[7] = mr_list_join(arena, &row->forward, " ");
}

/* What is fit for a terminal or a line of its own. */
static void put_text(FILE *out, struct mr_arena *arena, const char *text)
{
	char *safe = mr_strdup(arena, text);

	mr_printable(safe);
	fputs(safe, out);
}

static size_t columns_of(const char *text)
{
	size_t count = 0;

	/* Characters: wide ones only make the rest of their line stick out. */
	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static void put_row(struct printing *in, struct mr_arena *arena, const char *const *cells)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t width = columns_of(cells[i]);
		bool last = i == COLUMNS - 1;

		if (last && !*cells[i])
			break;
		put_text(in->out, arena, cells[i]);
		if (!last)
			fprintf(in->out, "%*s",
				(int)(2 + (width < in->widths[i] ? in->widths[i] - width : 0)), "");
	}
	fputc('\n', in->out);
}

/* The first rows say how wide the columns are; after that nothing is kept. */
static void end_page(struct printing *in)
{
	const char *head[COLUMNS];

	if (in->measured || !in->rows)
		return;
	in->measured = true;
	for (size_t i = 0; i < COLUMNS; i++) {
		head[i] = _(titles[i]);
		in->widths[i] = columns_of(head[i]);
		for (size_t r = 0; r < in->rows; r++) {
			size_t width = columns_of(in->cells[r * COLUMNS + i]);

			if (width > in->widths[i])
				in->widths[i] = width;
		}
	}
	put_row(in, in->page, head);
	for (size_t r = 0; r < in->rows; r++)
		put_row(in, in->page, &in->cells[r * COLUMNS]);
}

static void print_table(struct printing *in, const struct mr_userlist_row *row)
{
	const char *cells[COLUMNS];

	if (in->measured) {
		cells_of(in->scratch, row, cells);
		put_row(in, in->scratch, cells);
		return;
	}
	cells_of(in->page, row, &in->cells[in->rows++ * COLUMNS]);
	if (in->rows == MEASURED)
		end_page(in);
}

static void print_tsv(struct printing *in, const struct mr_userlist_row *row)
{
	struct mr_arena *arena = in->scratch;
	const char *cells[COLUMNS];

	cells_of(arena, row, cells);
	cells[4] = row->quota ? mr_printf(arena, "%lld", row->quota) : "";
	for (size_t i = 0; i < COLUMNS; i++) {
		char *text = mr_strdup(arena, cells[i]);

		for (char *c = text; *c; c++)
			if (*c == '\t' || *c == '\n' || *c == '\r')
				*c = ' ';
		fputs(text, in->out);
		fputc(i == COLUMNS - 1 ? '\n' : '\t', in->out);
	}
}

static void print_json(struct printing *in, const struct mr_userlist_row *row)
{
	struct mr_arena *arena = in->scratch;
	struct mr_value *top = mr_value_object(arena);
	const bool user = row->kind == MR_LIST_USER;

	mr_value_set_string(arena, top, "kind", mr_user_kind_word(row->kind));
	mr_value_set_string(arena, top, "name", row->name);
	mr_value_set_string(arena, top, "owner", row->owner);
	mr_value_set(arena, top, "addresses", mr_value_strings(arena, &row->addresses));
	mr_value_set_string(arena, top, "mailbox", row->mailbox);
	mr_value_set(arena, top, row->kind == MR_LIST_GROUP ? "members" : "forward",
		     mr_value_strings(arena, &row->forward));
	mr_value_set_string(arena, top, "access",
			    row->access ? mr_access_word(row->access) : "open");
	if (row->held_until)
		mr_value_set_string(arena, top, "held_until", row->held_until);
	if (user) {
		mr_value_set_string(arena, top, "full_name", row->full_name);
		mr_value_set_bool(arena, top, "shell", row->services & MR_UNIX);
		mr_value_set_bool(arena, top, "keep", row->keep);
		mr_value_set_bool(arena, top, "locked", row->locked);
		mr_value_set_int(arena, top, "quota", row->quota);
		mr_value_set_string(arena, top, "move", row->move);
		mr_value_set_bool(arena, top, "complete", !row->no_account && !row->no_route);
	}
	fputs(mr_json_format_line(arena, top), in->out);
}

static void print_csv(struct printing *in, const struct mr_userlist_row *row)
{
	struct mr_arena *arena = in->scratch;
	const char *fields[MR_IMPORT_COLUMNS] = {
		row->name,
		mr_list_join(arena, &row->addresses, " "),
		row->full_name,
		!(row->services & MR_UNIX) ? "mail"
		: row->services & MR_MAIL  ? "mail unix"
					   : "unix",
		row->owner,
		row->quota ? mr_printf(arena, "%lld", row->quota) : NULL,
		mr_list_join(arena, &row->forward, " "),
		row->keep ? "yes" : NULL,
		row->access ? mr_access_word(row->access) : NULL,
		row->locked ? "yes" : NULL,
		row->hash,
	};
	MR_BUF line = { 0 };

	if (row->kind != MR_LIST_USER || row->no_account || row->no_route)
		return;
	mr_csv_format(&line, fields, MR_IMPORT_COLUMNS);
	fputs(mr_buf_text(&line), in->out);
	explicit_bzero(line.data, line.len);
}

static int print_row(void *context, const struct mr_userlist_row *row, struct mr_error *err)
{
	static void (*const forms[])(struct printing *,
				     const struct mr_userlist_row *) = { print_table, print_tsv,
									 print_json, print_csv };
	struct printing *in = context;

	mr_arena_reset(in->scratch);
	forms[in->form](in, row);
	return ferror(in->out) ? mr_fail_errno(err, _("writing")) : 0;
}

int userlist_print(struct cl_context *context, const struct mr_userlist *list,
		   enum userlist_form form, FILE *out, struct mr_error *err)
{
	MR_ARENA page = mr_arena_open();
	MR_ARENA scratch = mr_arena_open();
	struct printing in = { .form = form,
			       .scratch = scratch,
			       .out = out,
			       .page = page,
			       .cells = MR_NEW_ARRAY(page, const char *, MEASURED *COLUMNS) };
	MR_BUF head = { 0 };

	if (form == USERLIST_CSV) {
		mr_csv_format(&head, mr_import_columns, MR_IMPORT_COLUMNS);
		fputs(mr_buf_text(&head), out);
	}
	if (mr_userlist_visit(context->dir, list, print_row, &in, err) < 0)
		return -1;
	end_page(&in);
	return 0;
}
