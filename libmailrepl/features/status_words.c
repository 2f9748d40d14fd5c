#include "features/status_words.h"

#include <math.h>
#include <string.h>
#include <time.h>

const char *mr_status_outcome_word(enum mr_status_outcome outcome)
{
	return outcome == MR_STATUS_WELL ? "well" : outcome == MR_STATUS_BEHIND ? "behind" : "bad";
}

const struct mr_host_status *mr_status_host(const struct mr_status *status,
					    const struct mr_host *host)
{
	return &status->hosts[host - status->topology->hosts];
}

enum mr_grade mr_status_copy_grade(const struct mr_status *status,
				   const struct mr_host_status *holder,
				   const struct mr_provider_status *copy)
{
	if (!holder->reachable)
		return MR_GRADE_UNKNOWN;
	if (copy->state == MR_COPY_DIFFERS)
		return MR_GRADE_BAD;
	if (!mr_status_host(status, copy->provider)->reachable)
		return MR_GRADE_UNKNOWN;
	if (copy->behind != 0 || copy->state == MR_COPY_BEHIND ||
	    (status->digests && copy->state == MR_COPY_UNKNOWN))
		return MR_GRADE_BEHIND;
	return MR_GRADE_WELL;
}

enum mr_grade mr_status_host_grade(const struct mr_status *status,
				   const struct mr_host_status *host)
{
	enum mr_grade worst = MR_GRADE_UNKNOWN;

	if (host->host->state != MR_JOINED)
		return MR_GRADE_UNKNOWN;
	if (!host->reachable)
		return MR_GRADE_BAD;
	for (size_t i = 0; i < host->count; i++) {
		enum mr_grade grade = mr_status_copy_grade(status, host, &host->providers[i]);

		if (grade > worst)
			worst = grade;
	}
	return worst;
}

/* printf would put the locale's comma. */
char *mr_status_number(struct mr_arena *arena, double value, int digits)
{
	long long scale = 1, whole;

	if (!isfinite(value) || fabs(value) > 1e12)
		return mr_strdup(arena, "-");
	for (int i = 0; i < digits; i++)
		scale *= 10;
	whole = llround(fabs(value) * (double)scale);
	if (digits == 0)
		return mr_printf(arena, "%s%lld", value < 0 && whole ? "-" : "", whole);
	return mr_printf(arena, "%s%lld.%0*lld", value < 0 && whole ? "-" : "", whole / scale,
			 digits, whole % scale);
}

char *mr_status_duration(struct mr_arena *arena, double seconds)
{
	if (seconds < 1)
		return mr_strdup(arena, _("<1 s"));
	if (seconds < 120)
		return mr_printf(arena, _("%d s"), (int)seconds);
	if (seconds < 7200)
		return mr_printf(arena, _("%d min"), (int)(seconds / 60));
	if (seconds < 172800)
		return mr_printf(arena, _("%d h"), (int)(seconds / 3600));
	return mr_printf(arena, _("%lld days"), (long long)(seconds / 86400));
}

char *mr_status_time(struct mr_arena *arena, int64_t when)
{
	time_t seconds = (time_t)when;
	char text[64] = "-";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return mr_strdup(arena, text);
}

static char *behind_word(struct mr_arena *arena, const struct mr_provider_status *copy, bool brief)
{
	const char *time = mr_status_duration(arena, copy->behind);

	if (copy->behind < 0)
		return mr_strdup(arena, _("unknown"));
	if (!brief && copy->changes == 1)
		return mr_printf(arena, _("%s behind, 1 change"), time);
	if (!brief && copy->changes > 1)
		return mr_printf(arena, _("%s behind, %lld changes"), time, copy->changes);
	return mr_printf(arena, _("%s behind"), time);
}

char *mr_status_copy_word(struct mr_arena *arena, const struct mr_status *status,
			  const struct mr_host_status *holder,
			  const struct mr_provider_status *copy, bool brief)
{
	switch (mr_status_copy_grade(status, holder, copy)) {
	case MR_GRADE_WELL:
		return mr_strdup(arena, _("in step"));
	case MR_GRADE_BAD:
		return mr_strdup(arena, _("differs"));
	case MR_GRADE_BEHIND:
		if (copy->behind != 0)
			return behind_word(arena, copy, brief);
		return mr_strdup(arena,
				 copy->state == MR_COPY_BEHIND ? _("behind") : _("not compared"));
	case MR_GRADE_UNKNOWN:
		break;
	}
	return mr_strdup(arena, _("unknown"));
}

const char *mr_status_digest_word(const struct mr_provider_status *copy)
{
	switch (copy->state) {
	case MR_COPY_EQUAL:
		return _("equal");
	case MR_COPY_DIFFERS:
		return _("differs");
	case MR_COPY_BEHIND:
		return _("behind");
	default:
		return "-";
	}
}

char *mr_status_host_word(struct mr_arena *arena, const struct mr_status *status,
			  const struct mr_host_status *host)
{
	enum mr_grade grade = mr_status_host_grade(status, host);
	double behind = 0;

	if (host->host->state != MR_JOINED)
		return mr_strdup(arena, mr_host_state_word(host->host->state));
	if (!host->reachable)
		return mr_strdup(arena, _("no answer"));
	for (size_t i = 0; i < host->count; i++)
		if (host->providers[i].behind > behind)
			behind = host->providers[i].behind;
	if (grade == MR_GRADE_WELL)
		return mr_strdup(arena, _("in step"));
	if (grade == MR_GRADE_BAD)
		return mr_strdup(arena, _("differs"));
	if (grade == MR_GRADE_BEHIND && behind > 0)
		return mr_printf(arena, _("%s behind"), mr_status_duration(arena, behind));
	return mr_strdup(arena, grade == MR_GRADE_BEHIND ? _("behind") : _("unknown"));
}

char *mr_status_role(struct mr_arena *arena, const struct mr_status *status,
		     const struct mr_host *host)
{
	bool home = strcmp(status->topology->home, host->name) == 0;

	/* The mode that hosts have without being told is no news. */
	return mr_printf(arena, "%s%s%s%s", mr_host_role(host), home ? _(", home") : "",
			 host->mode == MR_MODE_INTERNET ? "" : ", ",
			 host->mode == MR_MODE_INTERNET ? "" : mr_mode_word(host->mode));
}

char *mr_status_clock_word(struct mr_arena *arena, const struct mr_host_status *host)
{
	if (!host->reachable || !isfinite(host->clock_offset))
		return mr_strdup(arena, "-");
	return mr_printf(arena, _("%s%s s"), host->clock_offset >= 0 ? "+" : "",
			 mr_status_number(arena, host->clock_offset, 1));
}

char *mr_status_rendered_word(struct mr_arena *arena, const struct mr_status *status,
			      const struct mr_host_status *host)
{
	if (!host->reachable || host->rendered < 0)
		return mr_strdup(arena, "-");
	return mr_printf(arena, _("%lld of %lld"), host->rendered, status->topology->generation);
}

char *mr_status_certificate_word(struct mr_arena *arena, const struct mr_status *status,
				 const struct mr_host_status *host)
{
	double left = (double)(host->certificate_not_after - status->when);

	if (!host->certificate_not_after)
		return mr_strdup(arena, "-");
	return left <= 0 ? mr_strdup(arena, _("expired")) : mr_status_duration(arena, left);
}

char *mr_status_queue_word(struct mr_arena *arena, const struct mr_host_status *host)
{
	if (!host->reachable || host->queue < 0)
		return mr_strdup(arena, "-");
	return mr_printf(arena, "%lld", host->queue);
}
