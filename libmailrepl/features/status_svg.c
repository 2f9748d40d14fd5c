#include "features/status_page.h"

#include <math.h>
#include <string.h>

#define BOX_WIDTH 152
#define BOX_HEIGHT 66
#define MARGIN 14
#define BEND 40 /* how far the two arrows of a pair lie apart from the straight line */
#define MOST_LABELS                                                                                \
	6 /* arrows, up to which each has its text; above, only those that are behind or differ */
#define MOST_NAME 16 /* characters of a name that fit into a box */
#define MOST_BOLD 30 /* arrows; above, those that are well are thin */
#define SHRINK 0.72  /* of its size, on a small screen; then it scrolls */
#define MOST_SHRUNK 1000.0
#define PI 3.14159265358979323846

struct point {
	double x, y;
};

/* What one host pulls from one provider, all services together. */
struct pull {
	enum mr_grade grade;
	const char *word; /* of the worst; NULL: it pulls nothing */
};

struct drawing {
	struct mr_arena *arena;
	const struct mr_status *status;
	struct mr_buf *out;
	struct point *centres; /* of the hosts, in the topology's order */
	double width, height;
	struct pull *pulls; /* [provider * number of hosts + holder] */
	size_t pull_count;
};

static struct pull *pull_between(const struct drawing *in, size_t provider, size_t holder)
{
	return &in->pulls[provider * in->status->topology->count + holder];
}

static void find_pulls(struct drawing *in)
{
	size_t count = in->status->topology->count;

	in->pulls = MR_NEW_ARRAY(in->arena, struct pull, count * count);
	for (size_t h = 0; h < count; h++)
		for (size_t i = 0; i < in->status->hosts[h].count; i++) {
			const struct mr_host_status *host = &in->status->hosts[h];
			const struct mr_provider_status *copy = &host->providers[i];
			enum mr_grade grade = mr_status_copy_grade(in->status, host, copy);
			struct pull *worst = pull_between(
				in, (size_t)(copy->provider - in->status->topology->hosts), h);

			if (copy->provider == host->host || (worst->word && grade <= worst->grade))
				continue;
			in->pull_count += !worst->word;
			worst->grade = grade;
			worst->word = mr_status_copy_word(in->arena, in->status, host, copy, true);
		}
}

/* On an ellipse, the first at the top; it grows with the number of boxes that must not touch. */
static void place(struct drawing *in)
{
	size_t count = in->status->topology->count;
	double across = fmax(160, (double)count * 37), down = fmax(150, (double)count * 32);
	double left = 0, right = 0, top = 0, bottom = 0;

	in->centres = MR_NEW_ARRAY(in->arena, struct point, count);
	for (size_t i = 0; i < count; i++) {
		double angle = 2 * PI * (double)i / (double)count - PI / 2;
		struct point *at = &in->centres[i];

		if (count > 1)
			*at = (struct point){ across * cos(angle), down * sin(angle) };
		left = fmin(left, at->x), right = fmax(right, at->x);
		top = fmin(top, at->y), bottom = fmax(bottom, at->y);
	}
	in->width = right - left + BOX_WIDTH + 2 * MARGIN;
	in->height = bottom - top + BOX_HEIGHT + 2 * MARGIN;
	/* Two hosts stand one above the other: their arrows have texts beside them. */
	if (count == 2)
		in->width += 160, left -= 80;
	for (size_t i = 0; i < count; i++) {
		in->centres[i].x += MARGIN + BOX_WIDTH / 2.0 - left;
		in->centres[i].y += MARGIN + BOX_HEIGHT / 2.0 - top;
	}
}

/* Where the line from a box's centre towards `to` leaves the box. */
static struct point leave(struct point centre, struct point to, double gap)
{
	double x = to.x - centre.x, y = to.y - centre.y, length = fmax(hypot(x, y), 1);
	double part = fmin(BOX_WIDTH / 2.0 / fmax(fabs(x), 0.01),
			   BOX_HEIGHT / 2.0 / fmax(fabs(y), 0.01)) +
		      gap / length;

	return (struct point){ centre.x + x * part, centre.y + y * part };
}

/* Beside the middle of the line, on the side to which it bends, so that the texts of a pair lie
 * apart. */
static void draw_label(struct drawing *in, struct point middle, struct point away,
		       const struct pull *pull)
{
	const char *side = away.x > 0.3 ? "right" : away.x < -0.3 ? "left" : "";

	mr_buf_printf(in->out, "<text class=\"label %s %s\" x=\"%ld\" y=\"%ld\">",
		      mr_grade_class(pull->grade), side, lround(middle.x + away.x * 6),
		      lround(middle.y + away.y * 11) + 4);
	mr_html_text(in->out, pull->word);
	mr_buf_puts(in->out, "</text>\n");
}

static void draw_line(struct drawing *in, struct point from, struct point bend, struct point to,
		      const char *class, const char *text)
{
	mr_buf_printf(in->out,
		      "<path class=\"pull %s\" marker-end=\"url(#to-%s)\" d=\"M%ld %ldQ%ld %ld %ld "
		      "%ld\"><title>",
		      class, class, lround(from.x), lround(from.y), lround(bend.x), lround(bend.y),
		      lround(to.x), lround(to.y));
	mr_html_text(in->out, text);
	mr_buf_puts(in->out, "</title></path>\n");
}

static void draw_pull(struct drawing *in, size_t provider, size_t holder, bool text)
{
	const struct pull *pull = pull_between(in, provider, holder);
	bool pair = pull_between(in, holder, provider)->word != NULL;
	struct point a = in->centres[provider], b = in->centres[holder], from, to, bend, away;
	double length = fmax(hypot(b.x - a.x, b.y - a.y), 1);

	if (text && in->pull_count > MOST_LABELS && pull->grade < MR_GRADE_BEHIND)
		return;
	away = (struct point){ (b.y - a.y) / length, (a.x - b.x) / length };
	/* The text of a line that is alone stands above it. */
	if (!pair && away.y > 0)
		away = (struct point){ -away.x, -away.y };
	bend = (struct point){ (a.x + b.x) / 2 + (pair ? away.x * BEND : 0),
			       (a.y + b.y) / 2 + (pair ? away.y * BEND : 0) };
	from = leave(a, bend, 3);
	to = leave(b, bend, 9);
	if (text)
		draw_label(in,
			   (struct point){ (from.x + 2 * bend.x + to.x) / 4,
					   (from.y + 2 * bend.y + to.y) / 4 },
			   away, pull);
	else
		draw_line(in, from, bend, to, mr_grade_class(pull->grade),
			  mr_printf(in->arena, _("%s pulls from %s: %s"),
				    in->status->hosts[holder].host->name,
				    in->status->hosts[provider].host->name, pull->word));
}

/* All lines first, the worst on top, then all texts: no line crosses a text. */
static void draw_pulls(struct drawing *in)
{
	static const enum mr_grade order[] = { MR_GRADE_WELL, MR_GRADE_UNKNOWN, MR_GRADE_BEHIND,
					       MR_GRADE_BAD };
	size_t count = in->status->topology->count;

	for (int i = 0; i < 8; i++)
		for (size_t p = 0; p < count; p++)
			for (size_t h = 0; h < count; h++) {
				const struct pull *pull = pull_between(in, p, h);

				if (pull->word && pull->grade == order[i % 4])
					draw_pull(in, p, h, i >= 4);
			}
}

/* A long name is shown by its first label. */
static const char *short_name(struct mr_arena *arena, const char *name)
{
	size_t label = strcspn(name, ".");

	if (strlen(name) <= MOST_NAME)
		return name;
	if (label <= MOST_NAME - 1)
		return mr_printf(arena, "%.*s.\xe2\x80\xa6", (int)label, name);
	return mr_printf(arena, "%.*s\xe2\x80\xa6", MOST_NAME - 1, name);
}

static void draw_text(struct drawing *in, const char *class, struct point at, int down,
		      const char *text)
{
	mr_buf_printf(in->out, "<text class=\"%s\" x=\"%ld\" y=\"%ld\">", class, lround(at.x) + 3,
		      lround(at.y) + down);
	mr_html_text(in->out, text);
	mr_buf_puts(in->out, "</text>");
}

static void draw_host(struct drawing *in, size_t i)
{
	const struct mr_host_status *host = &in->status->hosts[i];
	struct point at = in->centres[i];
	long x = lround(at.x) - BOX_WIDTH / 2, y = lround(at.y) - BOX_HEIGHT / 2;

	mr_buf_printf(in->out, "<g class=\"%s%s\"><title>",
		      mr_grade_class(mr_status_host_grade(in->status, host)),
		      host->host->state == MR_INVITED ? " invited" : "");
	mr_html_text(in->out, host->host->name);
	mr_buf_printf(in->out,
		      "</title><rect class=\"box\" x=\"%ld\" y=\"%ld\" width=\"%d\" height=\"%d\" "
		      "rx=\"7\"/>"
		      "<rect class=\"edge-of-state\" x=\"%ld\" y=\"%ld\" width=\"6\" height=\"%d\" "
		      "rx=\"3\"/>",
		      x, y, BOX_WIDTH, BOX_HEIGHT, x, y, BOX_HEIGHT);
	draw_text(in, "name", at, -12, short_name(in->arena, host->host->name));
	draw_text(in, "role", at, 5, mr_status_role(in->arena, in->status, host->host));
	draw_text(in, "word", at, 23, mr_status_host_word(in->arena, in->status, host));
	mr_buf_puts(in->out, "</g>\n");
}

static void draw_markers(struct mr_buf *out)
{
	mr_buf_puts(out, "<defs>");
	for (enum mr_grade grade = MR_GRADE_UNKNOWN; grade <= MR_GRADE_BAD; grade++)
		mr_buf_printf(
			out,
			"<marker id=\"to-%s\" class=\"%s\" viewBox=\"0 0 10 10\" refX=\"8\" "
			"refY=\"5\" "
			"markerWidth=\"11\" markerHeight=\"11\" markerUnits=\"userSpaceOnUse\" "
			"orient=\"auto\"><path d=\"M0 0L10 5L0 10z\"/></marker>",
			mr_grade_class(grade), mr_grade_class(grade));
	mr_buf_puts(out, "</defs>\n");
}

void mr_status_svg(struct mr_arena *arena, const struct mr_status *status, struct mr_buf *out)
{
	struct drawing in = { .arena = arena, .status = status, .out = out };

	place(&in);
	find_pulls(&in);
	mr_buf_printf(out,
		      "<svg role=\"img\" aria-label=\"%s\"%s viewBox=\"0 0 %ld %ld\" width=\"%ld\" "
		      "style=\"min-width:%ldpx\">\n",
		      _("Which host pulls from which, and how far it is behind"),
		      in.pull_count > MOST_BOLD ? " class=\"crowded\"" : "", lround(in.width),
		      lround(in.height), lround(in.width),
		      lround(fmin(in.width, MOST_SHRUNK) * SHRINK));
	draw_markers(out);
	draw_pulls(&in);
	for (size_t i = 0; i < status->topology->count; i++)
		draw_host(&in, i);
	mr_buf_puts(out, "</svg>\n");
}
