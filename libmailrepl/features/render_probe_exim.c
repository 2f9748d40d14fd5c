#include <string.h>
#include <unistd.h>

#include "adapters/service.h"
#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "features/exim_ask.h"
#include "features/instance.h"
#include "features/lookup.h"
#include "features/render_known.h"
#include "features/render_probe.h"

#define TABLES MR_PATH_EXIM "/mailrepl"
#define TEXT_MOST ((size_t)1 << 20)
#define TIMEOUT_MS 30000
/* Whoever is known may be deleted before Exim is asked. */
#define TRIES 3
#define MOST 32

static const char nobody[] = "no-such-user.mailrepl-probe";
/* A test network's (RFC 5737). */
static const char stranger[] = "198.51.100.77";

/* A recipient, and the first digit of what must be answered; 0: anything but 2. */
struct question {
	const char *address;
	char want;
	const char *who; /* for the message */
};

struct probe {
	struct mr_arena *arena;
	const struct mr_config *config;
	const struct mr_topology *topology;
	const struct mr_host *self;
	const char *staging, *file, *shown;
	struct mr_directory *dir; /* NULL: it does not answer */
	struct question questions[MOST];
	size_t count, role_count; /* of these the first are the postmasters */
	struct mr_known route;
};

/* The staged configuration names its tables where they are going to lie. */
static int stage_config(struct probe *p, struct mr_error *err)
{
	const char *at, *from = mr_printf(p->arena, "%s/exim4.conf", p->staging);
	struct mr_file_attrs attrs = { 0640, 0, (gid_t)-1 };
	MR_BUF out = { 0 };
	char *text;

	p->file = mr_printf(p->arena, "%s/.probe.conf", p->staging);
	if (mr_file_read(p->arena, from, TEXT_MOST, &text, NULL, err) < 0 ||
	    mr_group_id("Debian-exim", &attrs.gid, err) < 0)
		return -1;
	for (; (at = strstr(text, TABLES)); text = (char *)at + strlen(TABLES)) {
		mr_buf_add(&out, text, (size_t)(at - text));
		mr_buf_printf(&out, "%s/mailrepl", p->staging);
	}
	mr_buf_puts(&out, text);
	return mr_file_replace(p->file, mr_buf_text(&out), out.len, attrs, err);
}

static void ask_for(struct probe *p, const char *address, char want, const char *who)
{
	if (p->count < MOST)
		p->questions[p->count++] = (struct question){ address, want, who };
}

static const char *at(const struct probe *p, const char *local, const char *domain)
{
	return mr_printf(p->arena, "%s@%s", local, domain);
}

/* What needs no directory. */
static void ask_roles(struct probe *p)
{
	ask_for(p, at(p, "postmaster", p->config->host), '2', _("who must always be reached"));
	for (size_t i = 0;
	     mr_host_is_router(p->self) && i < p->topology->domains.count && i < MOST / 2; i++)
		ask_for(p, at(p, "postmaster", p->topology->domains.items[i]), '2',
			_("who must always be reached"));
	p->role_count = p->count;
	ask_for(p, at(p, nobody, p->config->host), 0, _("who is nobody"));
}

/* What a program of this host is answered for somebody whom the directory has. */
static int ask_known(struct probe *p, const char *key, struct mr_error *err)
{
	const struct mr_lookup lookup = { p->config->host, "", false };
	const char *access;

	if (!key)
		return 0;
	if (mr_lookup(p->arena, p->dir, &lookup, "access", key, &access, err) < 0)
		return -1;
	if (!access || strcmp(access, "closed") == 0)
		ask_for(p, key, '2', _("whom the directory has"));
	else
		ask_for(p, key, strcmp(access, "deferred") == 0 ? '4' : '5',
			_("who takes no mail, as the directory says"));
	return 0;
}

/* Where nobody gets what is nobody's. */
static int ask_nobody(struct probe *p, struct mr_error *err)
{
	const struct mr_lookup lookup = { p->config->host, "", false };

	for (size_t i = 0; i < p->topology->domains.count && p->count < MOST; i++) {
		const char *address = at(p, nobody, p->topology->domains.items[i]), *catch_all;

		if (mr_lookup(p->arena, p->dir, &lookup, "route", address, &catch_all, err) < 0)
			return -1;
		if (!catch_all)
			ask_for(p, address, 0, _("who is nobody"));
	}
	return 0;
}

static int ask_directory(struct probe *p, struct mr_error *err)
{
	static const char *const tables[] = { "routes.cf", "access.cf", "peers.cf", "mailboxes.cf",
					      "expand.cf" };
	struct mr_list peers = { 0 };
	struct mr_known known;

	for (size_t i = 0; i < p->topology->count; i++)
		if (&p->topology->hosts[i] != p->self && !mr_host_is_closed(&p->topology->hosts[i]))
			mr_list_add(p->arena, &peers, p->topology->hosts[i].name);
	/* The last two are about mailboxes here. */
	for (size_t i = 0; i < (mr_host_is_server(p->self) ? 5U : 3U); i++) {
		if (mr_render_known(p->arena, p->config, p->dir, tables[i], &p->topology->domains,
				    &peers, &known, err) < 0 ||
		    ask_known(p, known.key, err) < 0)
			return -1;
		if (i == 0)
			p->route = known;
	}
	for (size_t i = 0; i < peers.count && i < 1; i++)
		ask_for(p, at(p, nobody, peers.items[i]), 0, _("who is nobody"));
	return ask_nobody(p, err);
}

static const char *session_text(const struct probe *p, const struct question *questions,
				size_t count)
{
	MR_BUF text = { 0 };

	mr_buf_puts(&text, "EHLO mailrepl-probe.example\r\nMAIL FROM:<>\r\n");
	for (size_t i = 0; i < count; i++)
		mr_buf_printf(&text, "RCPT TO:<%s>\r\n", questions[i].address);
	mr_buf_puts(&text, "QUIT\r\n");
	return mr_strdup(p->arena, mr_buf_text(&text));
}

/* The last line of each answer of an SMTP server, without what Exim says beside them. */
static struct mr_list replies_in(struct mr_arena *arena, const char *text)
{
	struct mr_list lines = mr_list_split(arena, text, '\n'), out = { 0 };

	for (size_t i = 0; i < lines.count; i++)
		if (strspn(lines.items[i], "0123456789") == 3 && lines.items[i][3] == ' ')
			mr_list_add(
				arena, &out,
				mr_strndup(arena, lines.items[i], strcspn(lines.items[i], "\r")));
	return out;
}

/* A session as if from that address (exim -bh): ACLs and look-ups are real, nothing is delivered. *replies: those to
 * RCPT, as far as it has come. */
static int converse(const struct probe *p, const char *from, const struct question *questions,
		    size_t count, struct mr_list *replies, struct mr_error *err)
{
	const char *const argv[] = { "exim4", "-C", p->file, "-bh", from, NULL };
	const struct mr_process process = { .argv = argv, .timeout_ms = TIMEOUT_MS };
	struct mr_process_result result = { 0 };
	struct mr_list all;
	char *text;
	int rc;

	*replies = (struct mr_list){ 0 };
	rc = mr_process_talk(p->arena, &process, session_text(p, questions, count), TEXT_MOST,
			     &text, &result, err);
	mr_buf_close(&result.output);
	if (rc < 0)
		return -1;
	all = replies_in(p->arena, text);
	/* The greeting, and the answers to EHLO and MAIL. */
	for (size_t i = 3; i < all.count && replies->count < count; i++)
		mr_list_add(p->arena, replies, all.items[i]);
	if (replies->count < count)
		return mr_fail(err, MR_E_CONFIG, _("%s: a session with %s ends with \"%s\""),
			       p->shown, from, all.count ? all.items[all.count - 1] : "");
	return 0;
}

static int judge(const struct probe *p, const struct question *question, const char *reply,
		 struct mr_error *err)
{
	if (question->want ? *reply == question->want : *reply != '2')
		return 0;
	return mr_fail(err, MR_E_CONFIG, _("%s: Exim answers \"%s\" for %s, %s"), p->shown, reply,
		       question->address, question->who);
}

static int probe_inside(const struct probe *p, struct mr_error *err)
{
	struct mr_list replies;

	if (converse(p, "127.0.0.1", p->questions, p->count, &replies, err) < 0)
		return -1;
	for (size_t i = 0; i < p->count; i++)
		if (judge(p, &p->questions[i], replies.items[i], err) < 0)
			return -1;
	return 0;
}

/* However it is refused, and be it because DNS does not answer. */
static int probe_stranger(const struct probe *p, struct mr_error *err)
{
	const struct question question = { at(p, nobody, "mailrepl-probe.example"), 0,
					   _("of another domain, from a stranger") };
	struct mr_error ignored;
	struct mr_list replies;

	if (converse(p, stranger, &question, 1, &replies, &ignored) < 0)
		return 0;
	return judge(p, &question, replies.items[0], err);
}

/* What is taken for them must go somewhere, too: at the latest when the directory answers. */
static int probe_roles(const struct probe *p, struct mr_error *err)
{
	struct mr_exim_answer answer;

	for (size_t i = 0; i < p->role_count; i++) {
		const char *address = p->questions[i].address;

		if (mr_exim_ask(p->arena, p->file, address, &answer, err) < 0)
			return mr_fail_in(err, "%s", p->shown);
		if (answer.fate == MR_EXIM_UNDELIVERABLE)
			return mr_fail(err, MR_E_CONFIG, _("%s: Exim says \"%s\" for %s, %s"),
				       p->shown, answer.why, address, p->questions[i].who);
	}
	return 0;
}

static int probe_route(const struct probe *p, struct mr_error *err)
{
	struct mr_exim_answer answer;

	if (!p->route.key || !p->route.value)
		return 0;
	if (mr_exim_ask(p->arena, p->file, p->route.key, &answer, err) < 0)
		return mr_fail_in(err, "%s", p->shown);
	if (mr_list_has(&answer.ways, mr_lower(p->arena, p->route.value)))
		return 0;
	return mr_fail(err, MR_E_CONFIG, _("%s: Exim says \"%s\" for %s, not %s"), p->shown,
		       answer.why ? answer.why : mr_list_join(p->arena, &answer.ways, ", "),
		       p->route.key, p->route.value);
}

static bool answers(struct probe *p)
{
	struct mr_error ignored;

	mr_directory_close(p->dir);
	p->dir = NULL;
	return mr_service_running(MR_SERVICE_SLAPD, p->config->root) &&
	       mr_instance_open(p->arena, p->config, &p->dir, &ignored) == 0;
}

static int probe_once(struct probe *p, struct mr_error *err)
{
	p->count = 0;
	ask_roles(p);
	if (p->dir && mr_host_is_router(p->self) && ask_directory(p, err) < 0)
		return -1;
	return probe_inside(p, err) < 0 || probe_roles(p, err) < 0 ? -1 : probe_route(p, err);
}

static int probe_all(struct probe *p, struct mr_error *err)
{
	bool asks = mr_host_is_router(p->self);

	if (stage_config(p, err) < 0 || probe_stranger(p, err) < 0)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (asks && !answers(p)) {
			mr_log(MR_LOG_WARNING,
			       _("%s: what asks the directory is not tried out: it does not "
				 "answer"),
			       p->shown);
			asks = false;
			p->route = (struct mr_known){ 0 };
		}
		if (probe_once(p, err) == 0)
			return 0;
	}
	return -1;
}

int mr_render_probe_exim(const struct mr_config *config, const struct mr_topology *topology,
			 const char *staging, struct mr_error *err)
{
	MR_ARENA arena = mr_arena_open();
	struct probe p = { .arena = arena,
			   .config = config,
			   .topology = topology,
			   .self = mr_topology_host(topology, config->host),
			   .staging = staging,
			   .shown = MR_PATH_EXIM "/exim4.conf" };
	int result = probe_all(&p, err);

	mr_directory_close(p.dir);
	return result;
}
