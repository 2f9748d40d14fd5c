#include "features/status.h"

#include <math.h>

#include "features/skew.h"
#include "features/status_words.h"

/* Two passes over the hosts: what is bad comes before what is behind. */
struct judgement {
	struct mr_arena *arena;
	struct mr_status *status;
	enum mr_status_outcome pass;
};

static void note(struct judgement *in, enum mr_status_outcome outcome, const char *text)
{
	if (outcome != in->pass)
		return;
	mr_list_add(in->arena, &in->status->notes, text);
	if (outcome > in->status->outcome)
		in->status->outcome = outcome;
}

static void judge_copy(struct judgement *in, const struct mr_host_status *host,
		       const struct mr_provider_status *copy)
{
	const char *what = mr_printf(in->arena, _("%s: its copy of %s (%s)"), host->host->name,
				     copy->provider->name, mr_service_name(copy->service));
	enum mr_grade grade = mr_status_copy_grade(in->status, host, copy);

	if (grade == MR_GRADE_BAD && copy->why)
		note(in, MR_STATUS_BAD, mr_printf(in->arena, "%s: %s", what, copy->why));
	else if (grade == MR_GRADE_BAD)
		note(in, MR_STATUS_BAD,
		     mr_printf(in->arena,
			       _("%s differs from the owner: see cl-replication --verify, then run "
				 "cl-replication --repair on %s"),
			       what, host->host->name));
	else if (grade == MR_GRADE_BEHIND && copy->behind == 0 && copy->state == MR_COPY_UNKNOWN)
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena, _("%s could not be compared: %s"), what,
			       copy->why ? copy->why : _("no reason given")));
	else if (grade == MR_GRADE_BEHIND)
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena, _("%s is not in step: %s"), what,
			       mr_status_copy_word(in->arena, in->status, host, copy, false)));
}

static void judge_certificate(struct judgement *in, const struct mr_host_status *host)
{
	int64_t left = host->certificate_not_after - in->status->when;

	if (!host->certificate_not_after || left > (int64_t)MR_STATUS_CERTIFICATE_DAYS * 86400)
		return;
	note(in, MR_STATUS_BEHIND,
	     left <= 0 ? mr_printf(in->arena,
				   _("%s: its certificate has expired: cl-replication --renew"),
				   host->host->name)
		       : mr_printf(in->arena,
				   _("%s: its certificate ends in %s: cl-replication --renew"),
				   host->host->name, mr_status_duration(in->arena, (double)left)));
}

static void judge_host(struct judgement *in, const struct mr_host_status *host)
{
	const char *name = host->host->name;

	if (host->rendered >= 0 && host->rendered < in->status->topology->generation)
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena,
			       _("%s: its configuration is old (%lld of %lld): cl-rebuild must run "
				 "there"),
			       name, host->rendered, in->status->topology->generation));
	if (isfinite(host->clock_offset) && fabs(host->clock_offset) > MR_SKEW_MOST)
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena,
			       _("%s: its clock is %s off: set it right, with NTP on every host"),
			       name,
			       mr_status_duration(in->arena, round(fabs(host->clock_offset)))));
	if (host->gate && mr_starts_with(host->gate, "closed"))
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena,
			       _("%s: unknown recipients are told \"later\", the gate is %s"), name,
			       host->gate));
	judge_certificate(in, host);
	for (size_t i = 0; i < host->count; i++)
		judge_copy(in, host, &host->providers[i]);
}

static void judge_all(struct judgement *in)
{
	const struct mr_status *status = in->status;

	for (size_t i = 0; i < status->topology->count; i++) {
		const struct mr_host_status *host = &status->hosts[i];

		if (host->host->state != MR_JOINED)
			continue;
		if (host->reachable)
			judge_host(in, host);
		else
			note(in, MR_STATUS_BAD,
			     mr_printf(in->arena, _("%s does not answer: %s"), host->host->name,
				       host->why ? host->why : _("no reason given")));
	}
	if (status->clashes > 0)
		note(in, MR_STATUS_BEHIND,
		     mr_printf(in->arena,
			       status->clashes == 1 ? _("%lld address is claimed twice, mail for "
							"it waits: cl-replication --clashes")
						    : _("%lld addresses are claimed twice, mail "
							"for them waits: cl-replication --clashes"),
			       status->clashes));
	for (size_t i = 0; i < status->mx_faults.count; i++)
		note(in, MR_STATUS_BEHIND, status->mx_faults.items[i]);
}

void mr_status_judge(struct mr_arena *arena, struct mr_status *status)
{
	struct judgement in = { arena, status, MR_STATUS_BAD };

	status->outcome = MR_STATUS_WELL;
	status->notes = (struct mr_list){ 0 };
	judge_all(&in);
	in.pass = MR_STATUS_BEHIND;
	judge_all(&in);
}
