/* The words in which a status is told, the same in every form that it takes. */
#ifndef MR_FEATURES_STATUS_WORDS_H
#define MR_FEATURES_STATUS_WORDS_H

#include "features/status.h"

enum mr_grade { MR_GRADE_UNKNOWN, MR_GRADE_WELL, MR_GRADE_BEHIND, MR_GRADE_BAD };

const char *mr_status_outcome_word(enum mr_status_outcome outcome); /* "well", "behind", "bad" */
/* Of one copy, given by its holder: UNKNOWN when the holder or the provider does not answer. */
enum mr_grade mr_status_copy_grade(const struct mr_status *status,
				   const struct mr_host_status *holder,
				   const struct mr_provider_status *copy);
/* The worst of its copies; BAD if it does not answer; UNKNOWN if it has not joined. */
enum mr_grade mr_status_host_grade(const struct mr_status *status,
				   const struct mr_host_status *host);
const struct mr_host_status *mr_status_host(const struct mr_status *status,
					    const struct mr_host *host);

/* With `digits` after the point, which is a point in every locale; "-" if it is not finite. */
char *mr_status_number(struct mr_arena *arena, double value, int digits);
char *mr_status_duration(struct mr_arena *arena,
			 double seconds); /* "<1 s", "12 s", "5 min", "3 h", "12 days" */
char *mr_status_time(struct mr_arena *arena, int64_t when); /* "2026-11-21 20:53:45 UTC" */
/* "in step", "12 s behind, 3 changes" (without the changes if `brief`), "differs", "unknown" */
char *mr_status_copy_word(struct mr_arena *arena, const struct mr_status *status,
			  const struct mr_host_status *holder,
			  const struct mr_provider_status *copy, bool brief);
const char *mr_status_digest_word(
	const struct mr_provider_status *copy); /* "equal", "differs", "behind", "unknown" */
/* "in step", "5 min behind", "differs", "no answer", "invited", "unknown" */
char *mr_status_host_word(struct mr_arena *arena, const struct mr_status *status,
			  const struct mr_host_status *host);
char *mr_status_role(struct mr_arena *arena, const struct mr_status *status,
		     const struct mr_host *host);
/* The rest of a host's row; "-" where it is unknown. */
char *mr_status_clock_word(struct mr_arena *arena,
			   const struct mr_host_status *host); /* "+0.0 s" */
char *mr_status_rendered_word(struct mr_arena *arena, const struct mr_status *status,
			      const struct mr_host_status *host); /* "4 of 5" */
char *mr_status_certificate_word(struct mr_arena *arena, const struct mr_status *status,
				 const struct mr_host_status *host); /* "365 days", "expired" */
char *mr_status_queue_word(struct mr_arena *arena, const struct mr_host_status *host);

#endif
