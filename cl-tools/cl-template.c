#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/json.h"
#include "base/file.h"
#include "common/cl.h"
#include "features/render_template.h"

#define FILE_MOST ((size_t)16 << 20)

enum { KEY_LENIENT = 256 };

struct template
{
	struct mr_arena *arena;
	const char *partials; /* a folder */
	bool lenient, escapes;
	enum mr_escaping escaping;
};

static const struct cl_option options[] = {
	{ 'e', "escape", N_("WORD"), N_("write values for this kind of file, as in MANIFEST") },
	{ 'p', "partials", N_("FOLDER"),
	  N_("partials are files in it; default: the template's folder") },
	{ KEY_LENIENT, "lenient", NULL,
	  N_("as the public specification says: HTML, and what is unknown is nothing") },
	{ 0 },
};

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct template *it = context->data;

	switch (key) {
	case 'e':
		it->escapes = true;
		if (mr_escaping_parse(value, &it->escaping, err) == 0)
			return 0;
		err->code = MR_E_USAGE;
		return -1;
	case 'p':
		it->partials = value;
		return 0;
	default:
		it->lenient = true;
		return 0;
	}
}

static const char *find_partial(void *context, const char *name)
{
	struct template *it = context;
	struct mr_error absent;
	char *text;

	if (*name == '/' || strstr(name, ".."))
		return NULL;
	if (mr_file_read(it->arena, mr_printf(it->arena, "%s/%s", it->partials, name), FILE_MOST,
			 &text, NULL, &absent) < 0)
		return NULL;
	return text;
}

static int read_input(struct mr_buf *out, struct mr_error *err)
{
	char block[65536];
	size_t len;

	while ((len = fread(block, 1, sizeof(block), stdin)) > 0) {
		mr_buf_add(out, block, len);
		if (out->len > FILE_MOST)
			return mr_fail(err, MR_E_INVALID,
				       _("standard input is longer than %zu bytes"), FILE_MOST);
	}
	return ferror(stdin) ? mr_fail_errno(err, _("standard input")) : 0;
}

static int read_values(struct cl_context *context, const char *path, struct mr_value **out,
		       struct mr_error *err)
{
	MR_BUF input = { 0 };
	size_t len;
	char *text;

	if (strcmp(path, "-") == 0)
		return read_input(&input, err) < 0
			       ? -1
			       : mr_json_parse(context->arena, _("standard input"),
					       mr_buf_text(&input), input.len, out, err);
	if (mr_file_read(context->arena, path, FILE_MOST, &text, &len, err) < 0)
		return -1;
	return mr_json_parse(context->arena, path, text, len, out, err);
}

static const char *folder_of(struct mr_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mr_strndup(arena, path, (size_t)(slash - path + 1)) : ".";
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct template *it = context->data;
	struct mr_template template = { .escaping = it->escaping,
					.lenient = it->lenient,
					.partials = find_partial,
					.context = it };
	struct mr_template_folders folders = { context->arena, &context->config, NULL };
	struct mr_value *values;
	MR_BUF out = { 0 };
	char *text;

	template.file = context->argv[0];
	it->arena = context->arena;
	if (!it->partials && mr_render_is_ours(&context->config, template.file)) {
		template.partials = mr_render_partial;
		template.context = &folders;
	} else if (!it->partials) {
		it->partials = folder_of(context->arena, template.file);
	}
	if (it->lenient && !it->escapes)
		template.escaping = MR_ESCAPE_HTML;
	if (mr_file_read(context->arena, template.file, FILE_MOST, &text, NULL, err) < 0 ||
	    read_values(context, context->argv[1], &values, err) < 0)
		return -1;
	template.text = text;
	if (mr_template_render(&template, values, &out, err) < 0)
		return -1;
	fwrite(mr_buf_text(&out), 1, out.len, stdout);
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	if (context->argc != 2)
		return mr_fail(err, MR_E_USAGE, _("a template and a file of values are needed"));
	return 0;
}

int main(int argc, char **argv)
{
	struct template template = { 0 };
	const struct cl_command command = {
		.name = "cl-template",
		.usage = "[-e WORD] [-p FOLDER] TEMPLATE VALUES.json",
		.summary = N_("Renders a Mustache template, as cl-rebuild does with its own."),
		.options = options,
		.data = &template,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
