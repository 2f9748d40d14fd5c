#include "replication/actions.h"

#include <limits.h>

enum {
	KEY_FORCE = 256,
	KEY_MODE,
	KEY_CLASHES,
	KEY_SETTLE,
	KEY_TAKE_OVER,
	KEY_RENEW,
	KEY_STATUS,
	KEY_WATCH,
	KEY_QUICK,
	KEY_PROMETHEUS,
	KEY_HTML,
	KEY_VERIFY,
	KEY_REPAIR,
	KEY_HERE,
	KEY_OLD_FORMAT
};

static const struct cl_option options[] = {
	{ 'r', "replicate", N_("HOSTS"), N_("replicate the service to just these hosts (a,b,c)") },
	{ 'a', "add", N_("HOST"), N_("replicate the service to this host, too") },
	{ 'd', "delete", N_("HOST"), N_("stop replicating the service to this host") },
	{ KEY_FORCE, "force", NULL, N_("with -r and -d: even if what the host owns is lost") },
	{ KEY_MODE, "mode", N_("HOST=MODE,..."),
	  N_("what a host's Postfix is for: none, internet, smarthost, satellite or local") },
	{ 'l', "list", NULL, N_("list hosts, services, roles, modes, states, and who is behind") },
	{ KEY_CLASHES, "clashes", NULL, N_("list the addresses that two mailboxes claim") },
	{ KEY_SETTLE, "settle", N_("ADDRESS"),
	  N_("give an address that is claimed twice to the mailbox of HOST") },
	{ KEY_TAKE_OVER, "take-over", N_("HOST"),
	  N_("adopt what a host that is gone for good owned") },
	{ KEY_OLD_FORMAT, "old-format", NULL,
	  N_("with --take-over: take an archive that carries no HMAC, of mailrepl before backup "
	     "keys") },
	{ KEY_RENEW, "renew", NULL,
	  N_("renew the certificate of this host, or on the home of HOST") },
	{ KEY_VERIFY, "verify", NULL, N_("compare every copy with its owner, entry by entry") },
	{ KEY_REPAIR, "repair", NULL, N_("make the copies on this host equal to their owners") },
	{ KEY_HERE, "here", NULL, N_("with --verify: only the copies on this host") },
	{ KEY_STATUS, "status", NULL, N_("ask every host how it is, and compare the copies") },
	{ KEY_WATCH, "watch", NULL, N_("with --status: again and again, quickly") },
	{ KEY_QUICK, "quick", NULL, N_("with --status: do not compare what is stored") },
	{ KEY_PROMETHEUS, "prometheus", N_("FILE"), N_("with --status: write metrics") },
	{ KEY_HTML, "html", N_("FILE"), N_("with --status: write a page") },
	{ 0 },
};

#define SERVICE "SERVICE (mail or unix)"

static const struct action actions[] = {
	{ 'r', "-r", false, SERVICE, 1, 1, replication_set_check, replication_set_run },
	{ 'a', "-a", false, SERVICE, 1, 1, replication_one_check, replication_add_run },
	{ 'd', "-d", false, SERVICE, 1, 1, replication_one_check, replication_remove_run },
	{ KEY_MODE, "--mode", false, NULL, 0, 0, replication_mode_check, replication_mode_run },
	{ 'l', "-l", true, NULL, 0, 0, NULL, replication_list_run },
	{ KEY_CLASHES, "--clashes", true, NULL, 0, 0, NULL, replication_clashes_run },
	{ KEY_SETTLE, "--settle", false, "HOST", 1, 1, NULL, replication_settle_run },
	{ KEY_TAKE_OVER, "--take-over", false, NULL, 0, 0, NULL, replication_takeover_run },
	{ KEY_RENEW, "--renew", false, "HOST", 0, 1, NULL, replication_renew_run },
	{ KEY_VERIFY, "--verify", true, NULL, 0, INT_MAX, replication_verify_check,
	  replication_verify_run },
	{ KEY_REPAIR, "--repair", false, NULL, 0, INT_MAX, replication_verify_check,
	  replication_repair_run },
	{ KEY_STATUS, "--status", true, NULL, 0, 0, NULL, replication_status_run },
	{ 0 },
};

static const struct action *find_action(int key)
{
	for (const struct action *action = actions; action->key; action++)
		if (action->key == key)
			return action;
	return NULL;
}

static void set_switch(struct replication *wanted, int key, const char *value)
{
	if (key == KEY_FORCE)
		wanted->force = true;
	else if (key == KEY_HERE)
		wanted->here = true;
	else if (key == KEY_OLD_FORMAT)
		wanted->old_format = true;
	else
		wanted->status_only = true;
	if (key == KEY_WATCH)
		wanted->watch = true;
	else if (key == KEY_QUICK)
		wanted->quick = true;
	else if (key == KEY_PROMETHEUS)
		wanted->prometheus = value;
	else if (key == KEY_HTML)
		wanted->html = value;
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct replication *wanted = context->data;
	const struct action *action = find_action(key);

	if (!action) {
		set_switch(wanted, key, value);
		return 0;
	}
	if (wanted->action && wanted->action != action)
		return mr_fail(err, MR_E_USAGE, _("%s and %s exclude each other"),
			       wanted->action->name, action->name);
	wanted->action = action;
	wanted->value = value;
	context->reads = action->reads;
	context->repairs = key == KEY_VERIFY || key == KEY_REPAIR;
	return 0;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;
	const struct action *action = wanted->action;

	if (!action)
		return mr_fail(
			err, MR_E_USAGE,
			_("nothing to do: -r HOSTS SERVICE or -l is needed (--help shows all)"));
	if (wanted->status_only && action->key != KEY_STATUS)
		return mr_fail(err, MR_E_USAGE,
			       _("--watch, --quick, --prometheus and --html need --status"));
	if (wanted->here && action->key != KEY_VERIFY)
		return mr_fail(err, MR_E_USAGE, _("--here needs --verify"));
	if (wanted->force && action->key != 'r' && action->key != 'd')
		return mr_fail(err, MR_E_USAGE, _("--force needs -r or -d"));
	if (wanted->old_format && action->key != KEY_TAKE_OVER)
		return mr_fail(err, MR_E_USAGE, _("--old-format needs --take-over"));
	if (context->argc > action->most)
		return mr_fail(err, MR_E_USAGE, _("%s: one argument too many: %s"), action->name,
			       context->argv[action->most]);
	if (context->argc < action->least)
		return mr_fail(err, MR_E_USAGE, _("%s needs %s"), action->name,
			       _(action->operands));
	return action->check ? action->check(context, err) : 0;
}

static int run(struct cl_context *context, struct mr_error *err)
{
	const struct replication *wanted = context->data;

	return wanted->action->run(context, err);
}

int main(int argc, char **argv)
{
	struct replication replication = { 0 };
	const struct cl_command command = {
		.name = "cl-replication",
		.usage = "-r HOSTS SERVICE | -a HOST SERVICE | -d HOST SERVICE | --mode "
			 "HOST=MODE,... | --settle ADDRESS HOST | -l",
		.summary = N_(
			"Sets, shows and repairs the replication of the services mail and unix."),
		.options = options,
		.needs = CL_DIRECTORY | CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &replication,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
