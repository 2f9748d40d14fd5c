#include "features/status.h"

#include "base/table.h"
#include "features/mx_check.h"
#include "features/status_words.h"

#define WIDTH 100
#define MOST_ROWS 24 /* copies that are well are shown one by one up to here */

static void add_row(struct mr_arena *arena, struct mr_list *cells, const char *const *row,
		    size_t count)
{
	for (size_t i = 0; i < count; i++)
		mr_list_add(arena, cells, row[i]);
}

#define ROW(arena, cells, ...)                                                                     \
	add_row(arena, cells, (const char *const[]){ __VA_ARGS__ },                                \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void finish(const struct mr_list *cells, size_t columns, struct mr_buf *out)
{
	mr_table_format(cells->items, columns, cells->count / columns, WIDTH, out);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static const char *latency(struct mr_arena *arena, const struct mr_host_status *host)
{
	if (!host->reachable)
		return "-";
	return mr_printf(arena, _("%s ms"), mr_status_number(arena, host->latency_ms, 1));
}

static void hosts_table(struct mr_arena *arena, const struct mr_status *status, struct mr_buf *out)
{
	struct mr_list cells = { 0 };

	ROW(arena, &cells, _("HOST"), _("ROLE"), _("STATE"), _("ANSWER"), _("CLOCK"), _("CONFIG"),
	    _("QUEUE"), _("CERTIFICATE"));
	for (size_t i = 0; i < status->topology->count; i++) {
		const struct mr_host_status *host = &status->hosts[i];

		ROW(arena, &cells, host->host->name, mr_status_role(arena, status, host->host),
		    mr_status_host_word(arena, status, host), latency(arena, host),
		    mr_status_clock_word(arena, host), mr_status_rendered_word(arena, status, host),
		    mr_status_queue_word(arena, host),
		    mr_status_certificate_word(arena, status, host));
	}
	finish(&cells, 8, out);
}

static void software_table(struct mr_arena *arena, const struct mr_status *status,
			   struct mr_buf *out)
{
	struct mr_list cells = { 0 };

	ROW(arena, &cells, _("HOST"), _("MAILREPL"), _("SLAPD"), _("POSTFIX"), _("DOVECOT"),
	    _("NTP"), _("GATE"));
	for (size_t i = 0; i < status->topology->count; i++) {
		const struct mr_host_status *host = &status->hosts[i];
		const char *gate = host->gate && mr_starts_with(host->gate, "closed")
					   ? _("closed")
					   : or_dash(host->gate);

		if (host->reachable && (host->version || host->slapd || host->gate))
			ROW(arena, &cells, host->host->name, or_dash(host->version),
			    or_dash(host->slapd), or_dash(host->postfix), or_dash(host->dovecot),
			    or_dash(host->clock_source), gate);
	}
	if (cells.count == 7)
		return;
	mr_buf_putc(out, '\n');
	finish(&cells, 7, out);
}

static const char *entries_word(struct mr_arena *arena, const struct mr_provider_status *copy)
{
	if (copy->entries < 0)
		return "-";
	if (copy->entries == copy->provider_entries)
		return mr_printf(arena, "%lld", copy->entries);
	return mr_printf(arena, _("%lld of %lld"), copy->entries, copy->provider_entries);
}

static size_t count_copies(const struct mr_status *status)
{
	size_t count = 0;

	for (size_t i = 0; i < status->topology->count; i++)
		count += status->hosts[i].reachable ? status->hosts[i].count : 0;
	return count;
}

/* What a host that does not answer has is not known: its row above says so. */
static void copies_table(struct mr_arena *arena, const struct mr_status *status, bool all,
			 struct mr_buf *out)
{
	bool brief = !all && count_copies(status) > MOST_ROWS;
	struct mr_list cells = { 0 };
	size_t well = 0;

	ROW(arena, &cells, _("COPY ON"), _("OF"), _("SERVICE"), _("STATE"), _("ENTRIES"),
	    _("DIGEST"));
	for (size_t i = 0; i < status->topology->count; i++) {
		const struct mr_host_status *host = &status->hosts[i];

		for (size_t c = 0; host->reachable && c < host->count; c++) {
			const struct mr_provider_status *copy = &host->providers[c];
			bool fine = mr_status_copy_grade(status, host, copy) == MR_GRADE_WELL;

			well += fine;
			if (!fine || !brief)
				ROW(arena, &cells, host->host->name, copy->provider->name,
				    mr_service_name(copy->service),
				    mr_status_copy_word(arena, status, host, copy, false),
				    entries_word(arena, copy), mr_status_digest_word(copy));
		}
	}
	mr_buf_putc(out, '\n');
	if (cells.count > 6)
		finish(&cells, 6, out);
	if (brief && well)
		mr_buf_printf(out,
			      cells.count > 6 ? _("and %zu copies that are well (-v shows them)\n")
					      : _("%zu copies, all of them well (-v shows them)\n"),
			      well);
}

static const char *verdict(const struct mr_status *status)
{
	if (status->outcome == MR_STATUS_WELL)
		return status->digests ? _("All is well.")
				       : _("All is well, as far as was asked (--quick).");
	return status->outcome == MR_STATUS_BEHIND ? _("Not all is well:")
						   : _("Something is wrong:");
}

void mr_status_text(const struct mr_status *status, bool all, struct mr_buf *out)
{
	MR_ARENA arena = mr_arena_open();

	hosts_table(arena, status, out);
	software_table(arena, status, out);
	copies_table(arena, status, all, out);
	mr_buf_putc(out, '\n');
	mr_table_wrap(mr_mx_scheme_line(arena, status->topology), 0, WIDTH, out);
	mr_buf_printf(out, _("%s, asked from %s. %s\n"), mr_status_time(arena, status->when),
		      status->asked_from, verdict(status));
	for (size_t i = 0; i < status->notes.count; i++)
		mr_table_wrap(status->notes.items[i], 2, WIDTH, out);
}
