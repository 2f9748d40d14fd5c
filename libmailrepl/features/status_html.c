#include "features/status_page.h"

#include <string.h>

void mr_html_text(struct mr_buf *out, const char *text)
{
	MR_ARENA arena = mr_arena_open();
	char *safe = mr_strdup(arena, text ? text : "");

	/* Control characters and bytes that are not UTF-8 have no place in a page. */
	mr_printable(safe);
	mr_buf_put_html(out, safe);
}

const char *mr_grade_class(enum mr_grade grade)
{
	static const char *const classes[] = { [MR_GRADE_UNKNOWN] = "unknown",
					       [MR_GRADE_WELL] = "well",
					       [MR_GRADE_BEHIND] = "behind",
					       [MR_GRADE_BAD] = "bad" };

	return classes[grade];
}

struct page {
	struct mr_arena *arena;
	const struct mr_status *status;
	struct mr_buf *out;
};

static void element(struct page *page, const char *open, const char *text, const char *close)
{
	mr_buf_puts(page->out, open);
	mr_html_text(page->out, text);
	mr_buf_puts(page->out, close);
}

static void begin_table(struct page *page, const char *title, const char *const *heads)
{
	element(page, "<section>\n<h2>", title, "</h2>\n<div class=\"scroll\"><table><thead><tr>");
	for (size_t i = 0; heads[i]; i++)
		element(page, "<th>", heads[i], "</th>");
	mr_buf_puts(page->out, "</tr></thead><tbody>\n");
}

static void end_table(struct page *page)
{
	mr_buf_puts(page->out, "</tbody></table></div>\n</section>\n");
}

/* One row; the cell with the state, if `state` is not negative, in its colour. */
static void row(struct page *page, const char *const *heads, const char *const *cells, int state,
		enum mr_grade grade)
{
	mr_buf_puts(page->out, "<tr>");
	for (int i = 0; heads[i]; i++) {
		element(page, "<td data-label=\"", heads[i], "\">");
		if (i == state)
			mr_buf_printf(page->out, "<span class=\"state %s\">",
				      mr_grade_class(grade));
		else
			mr_buf_puts(page->out, "<span>");
		element(page, "", cells[i] ? cells[i] : "-", "</span></td>");
	}
	mr_buf_puts(page->out, "</tr>\n");
}

static void hosts_table(struct page *page)
{
	const char *const heads[] = {
		_("Host"),  _("Role"),          _("State"), _("Services"),    _("Answer"),
		_("Clock"), _("Configuration"), _("Queue"), _("Certificate"), NULL
	};

	begin_table(page, _("Hosts"), heads);
	for (size_t i = 0; i < page->status->topology->count; i++) {
		const struct mr_host_status *host = &page->status->hosts[i];
		const char *answer = mr_printf(page->arena, _("%s ms"),
					       mr_status_number(page->arena, host->latency_ms, 1));
		const char *const cells[] = {
			host->host->name,
			mr_status_role(page->arena, page->status, host->host),
			mr_status_host_word(page->arena, page->status, host),
			host->host->services & MR_UNIX ? "mail, unix" : "mail",
			host->reachable ? answer : NULL,
			mr_status_clock_word(page->arena, host),
			mr_status_rendered_word(page->arena, page->status, host),
			mr_status_queue_word(page->arena, host),
			mr_status_certificate_word(page->arena, page->status, host),
		};

		row(page, heads, cells, 2, mr_status_host_grade(page->status, host));
	}
	end_table(page);
}

static const char *entries_word(struct page *page, long long entries)
{
	return entries < 0 ? NULL : mr_printf(page->arena, "%lld", entries);
}

static void copy_row(struct page *page, const char *const *heads, const struct mr_host_status *host,
		     const struct mr_provider_status *copy)
{
	const char *const cells[] = {
		host->host->name,
		copy->provider->name,
		mr_service_name(copy->service),
		mr_status_copy_word(page->arena, page->status, host, copy, false),
		entries_word(page, copy->entries),
		entries_word(page, copy->provider_entries),
		mr_status_digest_word(copy),
	};

	row(page, heads, cells, 3, mr_status_copy_grade(page->status, host, copy));
}

/* What needs to be looked at comes first. */
static void copies_table(struct page *page)
{
	const char *const heads[] = { _("Copy on"), _("Of"),        _("Service"), _("State"),
				      _("Entries"), _("Owner has"), _("Digest"),  NULL };

	begin_table(page, _("Copies"), heads);
	for (int well = 0; well < 2; well++)
		for (size_t i = 0; i < page->status->topology->count; i++) {
			const struct mr_host_status *host = &page->status->hosts[i];

			for (size_t c = 0; c < host->count; c++)
				if ((mr_status_copy_grade(page->status, host,
							  &host->providers[c]) == MR_GRADE_WELL) ==
				    well)
					copy_row(page, heads, host, &host->providers[c]);
		}
	end_table(page);
}

static void software_table(struct page *page)
{
	const char *const heads[] = { _("Host"), "mailrepl", "slapd",   "Postfix",
				      "Dovecot", _("NTP"),   _("Gate"), NULL };

	begin_table(page, _("Software"), heads);
	for (size_t i = 0; i < page->status->topology->count; i++) {
		const struct mr_host_status *host = &page->status->hosts[i];
		const char *const cells[] = { host->host->name, host->version, host->slapd,
					      host->postfix,    host->dovecot, host->clock_source,
					      host->gate };

		row(page, heads, cells, -1, MR_GRADE_UNKNOWN);
	}
	end_table(page);
}

static const char *verdict_words(const struct mr_status *status)
{
	if (status->outcome == MR_STATUS_BAD)
		return _("Something is wrong");
	if (status->outcome == MR_STATUS_BEHIND)
		return _("Not all is well");
	return status->digests ? _("All is well: every host answers, every copy equals its owner")
			       : _("All is well: every host answers, every copy is in step");
}

static void verdict(struct page *page)
{
	const struct mr_list *notes = &page->status->notes;

	mr_buf_printf(page->out, "<section class=\"verdict %s\">\n",
		      mr_status_outcome_word(page->status->outcome));
	element(page, "<h2>", verdict_words(page->status), "</h2>\n");
	if (notes->count) {
		mr_buf_puts(page->out, "<ul>\n");
		for (size_t i = 0; i < notes->count; i++)
			element(page, "<li>", notes->items[i], "</li>\n");
		mr_buf_puts(page->out, "</ul>\n");
	}
	mr_buf_puts(page->out, "</section>\n");
}

static void drawing(struct page *page)
{
	const char *const words[] = { [MR_GRADE_UNKNOWN] = _("unknown"),
				      [MR_GRADE_WELL] = _("in step"),
				      [MR_GRADE_BEHIND] = _("behind"),
				      [MR_GRADE_BAD] = _("differs or does not answer") };

	element(page, "<section>\n<h2>", _("Who pulls from whom"),
		"</h2>\n<div class=\"drawing\">");
	mr_status_svg(page->arena, page->status, page->out);
	mr_buf_puts(page->out, "</div>\n<ul class=\"legend\">");
	for (int grade = MR_GRADE_BAD; grade >= 0; grade--) {
		/* in step, behind, bad, unknown */
		enum mr_grade shown =
			grade ? (enum mr_grade)(MR_GRADE_BAD + 1 - grade) : MR_GRADE_UNKNOWN;

		mr_buf_printf(page->out, "<li class=\"state %s\">", mr_grade_class(shown));
		element(page, "", words[shown], "</li>");
	}
	element(page, "</ul>\n<p class=\"soft\">",
		_("An arrow leads from the owner of entries to a host that pulls a copy of them."),
		"</p>\n</section>\n");
}

static void head(struct page *page)
{
	const struct mr_status *status = page->status;
	const char *domains = mr_list_join(page->arena, &status->topology->domains, ", ");
	const char *title = mr_printf(page->arena, _("Replication of %s"),
				      *domains ? domains : status->topology->home);

	mr_buf_puts(page->out,
		    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
	element(page, "<title>", title, "</title>\n<style>\n");
	mr_buf_puts(page->out, mr_status_style);
	element(page, "</style>\n</head>\n<body>\n<header>\n<h1>", title, "</h1>\n");
	element(page, "<p class=\"soft\">",
		mr_printf(page->arena, _("%s, asked from %s"),
			  mr_status_time(page->arena, status->when), status->asked_from),
		"</p>\n</header>\n<main>\n");
}

void mr_status_html(const struct mr_status *status, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();
	struct page page = { arena, status, out };

	head(&page);
	verdict(&page);
	drawing(&page);
	hosts_table(&page);
	copies_table(&page);
	software_table(&page);
	element(&page, "</main>\n<footer>",
		_("Written by cl-replication --status --html. It shows one moment and does not "
		  "renew itself."),
		"</footer>\n</body>\n</html>\n");
}
