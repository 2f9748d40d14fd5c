#include <stdio.h>

#include "base/log.h"
#include "common/cl.h"
#include "features/render.h"
#include "features/setup.h"
#include "setup/actions.h"

enum {
	KEY_HOST = 256,
	KEY_SCHEME,
	KEY_MX,
	KEY_DELIMITER,
	KEY_POSTMASTER,
	KEY_PRIMARY,
	KEY_RECIPIENTS,
	KEY_MODE,
	KEY_SMARTHOST,
	KEY_SMARTHOST_USER,
	KEY_SMARTHOST_PASSWORD,
	KEY_PASSWORD_FILE,
	KEY_MAIL_NAME,
	KEY_NSS,
	KEY_NO_NSS,
	KEY_REMOVE,
	KEY_CHECK_DNS,
	KEY_UNDO
};

struct setup {
	struct mr_setup_request request;
	struct setup_password password;
	bool undo, domains, check_dns;
	int asked; /* the key of an option that says what shall be set up; 0: none was given */
};

static const struct cl_option options[] = {
	{ KEY_HOST, "host", N_("NAME"), N_("this host's full name, if not that of hostname -f") },
	{ KEY_SCHEME, "scheme", N_("SCHEME"), N_("intranet, server-mx or relay-mx") },
	{ KEY_MX, "mx", N_("HOSTS"), N_("who takes mail from outside, divided by commas") },
	{ KEY_DELIMITER, "delimiter", N_("C"),
	  N_("what divides a user from a detail in an address: +, = or none") },
	{ KEY_POSTMASTER, "postmaster", N_("ADDRESS"),
	  N_("where mail for the domain's role addresses goes") },
	{ KEY_PRIMARY, "primary", N_("HOST"),
	  N_("keep the domain's mail for that host, whose it is, or for its MX hosts: dns") },
	{ KEY_RECIPIENTS, "recipients", N_("FILE"),
	  N_("with --primary: who is in the domain, an address a line") },
	{ KEY_MODE, "mode", N_("MODE"),
	  N_("what this host's Postfix is for: none, internet, smarthost, satellite or local") },
	{ KEY_SMARTHOST | CL_EMPTY, "smarthost", N_("SERVER"),
	  N_("the server that mail for the outside is handed to (setting mail.smarthost)") },
	{ KEY_SMARTHOST_USER | CL_EMPTY, "smarthost-user", N_("USER"),
	  N_("whom this host logs in as there (setting mail.smarthost_user)") },
	{ KEY_SMARTHOST_PASSWORD, "smarthost-password", NULL,
	  N_("store the password for that login, or for the one at SERVER") },
	{ 'P', "password-stdin", NULL, N_("read it from standard input, one line") },
	{ KEY_PASSWORD_FILE, "password-file", N_("FILE"), N_("read it from a file, one line") },
	{ KEY_MAIL_NAME | CL_EMPTY, "mail-name", N_("DOMAIN"),
	  N_("what local users' mail comes from when it leaves (setting mail.name)") },
	{ KEY_CHECK_DNS, "check-dns", NULL,
	  N_("compare the MX records of the mail domains with the scheme") },
	{ 'l', "domains", NULL, N_("list the mail domains") },
	{ KEY_REMOVE, "remove-domain", N_("DOMAIN"), N_("remove a mail domain that nobody uses") },
	{ KEY_NSS, "nss", NULL, N_("unix: every mail server's system knows the accounts") },
	{ KEY_NO_NSS, "no-nss", NULL, N_("unix: takes that back") },
	{ KEY_UNDO, "undo", NULL, N_("put back what Postfix and Dovecot had before mailrepl") },
	{ 0 },
};

/* Where the value goes of an option that is only kept; NULL: more is done with it. */
static const char **kept(struct setup *setup, int key)
{
	struct mr_setup_request *request = &setup->request;

	switch (key) {
	case KEY_POSTMASTER:
		return &request->postmaster;
	case KEY_PRIMARY:
		return &request->primary;
	case KEY_RECIPIENTS:
		return &request->recipients;
	case KEY_MODE:
		return &request->mode;
	case KEY_SMARTHOST:
		return &request->smarthost;
	case KEY_SMARTHOST_USER:
		return &request->smarthost_user;
	case KEY_MAIL_NAME:
		return &request->mail_name;
	case KEY_PASSWORD_FILE:
		return &setup->password.file;
	case KEY_HOST:
		return &request->host;
	case KEY_DELIMITER:
		return &request->delimiter;
	case KEY_SCHEME:
		return &request->scheme;
	default:
		return NULL;
	}
}

/* Which of them says what shall be set up; the others do something else, alone. */
static bool sets_up(int key)
{
	switch (key) {
	case KEY_UNDO:
	case 'l':
	case KEY_CHECK_DNS:
	case KEY_REMOVE:
	case KEY_SMARTHOST_PASSWORD:
	case 'P':
	case KEY_PASSWORD_FILE:
		return false;
	default:
		return true;
	}
}

static int option(struct cl_context *context, int key, const char *value, struct mr_error *err)
{
	struct setup *setup = context->data;
	struct mr_setup_request *request = &setup->request;
	const char **text = kept(setup, key);

	if (sets_up(key))
		setup->asked = key;
	if (text) {
		*text = value;
		return 0;
	}
	switch (key) {
	case KEY_UNDO:
		setup->undo = true;
		break;
	case 'l':
		setup->domains = context->reads = true;
		break;
	case KEY_CHECK_DNS:
		setup->check_dns = context->reads = true;
		break;
	case KEY_REMOVE:
		request->remove = value;
		break;
	case KEY_NSS:
	case KEY_NO_NSS:
		if (request->nss == (key == KEY_NSS ? MR_NSS_OFF : MR_NSS_ON))
			return mr_fail(err, MR_E_USAGE, _("--nss and --no-nss exclude each other"));
		request->nss = key == KEY_NSS ? MR_NSS_ON : MR_NSS_OFF;
		break;
	case KEY_SMARTHOST_PASSWORD:
		setup->password.wanted = true;
		break;
	case 'P':
		setup->password.from_stdin = true;
		break;
	default:
		request->mx = value;
	}
	return 0;
}

/* What "cl-setup mail" may change without a domain. */
static bool is_about_host(const struct mr_setup_request *request)
{
	return request->mode || request->smarthost || request->smarthost_user || request->mail_name;
}

static int check_password(const struct setup *setup, struct mr_error *err)
{
	const struct setup_password *password = &setup->password;

	if (!password->wanted && (password->from_stdin || password->file))
		return mr_fail(err, MR_E_USAGE,
			       _("-P and --password-file go with --smarthost-password"));
	if (password->from_stdin && password->file)
		return mr_fail(err, MR_E_USAGE, _("-P and --password-file exclude each other"));
	if (password->wanted && is_about_host(&setup->request))
		return mr_fail(err, MR_E_USAGE,
			       _("--smarthost-password is a command of its own: set the server and "
				 "the user first"));
	return 0;
}

static int read_operands(struct cl_context *context, struct mr_setup_request *request,
			 struct mr_error *err)
{
	int wanted;

	/* Another scheme or delimiter for the domains that are there. */
	if (context->argc < 1 &&
	    (request->scheme || request->mx || request->delimiter || is_about_host(request))) {
		request->service = MR_MAIL;
		return cl_require_config(context, err);
	}
	if (context->argc < 1)
		return mr_fail(
			err, MR_E_USAGE,
			_("what shall be set up? \"cl-setup mail DOMAIN\" or \"cl-setup unix\""));
	if (mr_service_parse(context->argv[0], &request->service, err) < 0)
		return -1;
	wanted = request->service == MR_MAIL ? 2 : 1;
	if (request->service != MR_MAIL && is_about_host(request))
		return mr_fail(err, MR_E_USAGE,
			       _("modes and smarthosts go with mail: cl-setup mail --mode MODE"));
	if (context->argc < wanted && is_about_host(request))
		return cl_require_config(context, err);
	if (context->argc < wanted)
		return mr_fail(err, MR_E_USAGE,
			       _("which mail domain? \"cl-setup mail maildomain.org\""));
	if (context->argc > wanted)
		return mr_fail(err, MR_E_USAGE, _("too many arguments: %s"), context->argv[wanted]);
	if (request->service == MR_MAIL)
		request->domain = context->argv[1];
	if (request->service == MR_MAIL && request->nss != MR_NSS_AS_IS)
		return mr_fail(err, MR_E_USAGE, _("--nss and --no-nss go with \"cl-setup unix\""));
	if ((request->primary || request->recipients) && !request->domain)
		return mr_fail(err, MR_E_USAGE,
			       _("--primary and --recipients go with a domain: cl-setup --primary "
				 "HOST mail DOMAIN"));
	if (request->primary && request->postmaster)
		return mr_fail(err, MR_E_USAGE,
			       _("who the postmaster of a domain of another primary is, that one "
				 "knows: no --postmaster with --primary"));
	if (request->service != MR_MAIL && request->postmaster)
		return mr_fail(err, MR_E_USAGE,
			       _("--postmaster goes with a mail domain: cl-setup --postmaster "
				 "ADDRESS mail DOMAIN"));
	return 0;
}

static const char *name_of(int key)
{
	const struct cl_option *option = options;

	while (option->name && (option->key & ~(CL_MANY | CL_EMPTY)) != key)
		option++;
	return option->name;
}

static int check(struct cl_context *context, struct mr_error *err)
{
	struct setup *setup = context->data;
	bool password = setup->password.wanted;
	const char *alone = setup->undo             ? "--undo"
			    : setup->domains        ? "--domains"
			    : setup->check_dns      ? "--check-dns"
			    : password              ? "--smarthost-password"
			    : setup->request.remove ? "--remove-domain"
						    : NULL;

	if (setup->undo + setup->domains + setup->check_dns + password +
		    (setup->request.remove != NULL) >
	    1)
		return mr_fail(err, MR_E_USAGE,
			       _("--undo, --domains, --check-dns, --smarthost-password and "
				 "--remove-domain exclude each other"));
	if (check_password(setup, err) < 0)
		return -1;
	if (!alone)
		return read_operands(context, &setup->request, err);
	if (setup->asked)
		return mr_fail(err, MR_E_USAGE, _("%s goes without --%s"), alone,
			       name_of(setup->asked));
	/* The server, if it is not the setting's. */
	if (context->argc > password)
		return mr_fail(err, MR_E_USAGE,
			       password ? _("%s takes one argument at most: %s")
					: _("%s takes no arguments: %s"),
			       alone, context->argv[password]);
	return cl_require_config(context, err);
}

static int finish(struct cl_context *context, const struct mr_setup_request *request,
		  const struct mr_plan *plan, struct mr_error *err)
{
	struct mr_value *result = mr_value_object(context->arena);

	mr_value_set_string(context->arena, result, "host", context->config.host);
	if (request->remove) {
		mr_value_set_string(context->arena, result, "removed", request->remove);
	} else {
		mr_value_set_string(context->arena, result, "service",
				    mr_service_name(request->service));
		mr_value_set_string(context->arena, result, "domain", request->domain);
		mr_value_set_string(context->arena, result, "mode", request->mode);
	}
	return cl_finish(context, plan, result, err);
}

/* The directory stays: what this host owns is in it, and its peers pull from it. */
static int run_undo(struct cl_context *context, struct mr_error *err)
{
	struct mr_plan plan = { 0 };

	if (mr_render_undo_plan(context->arena, &context->config, &plan, err) < 0)
		return -1;
	if (plan.count && !context->dry_run &&
	    cl_confirm(context, _("Put back the mail configuration of before mailrepl?"), err) < 0)
		return -1;
	if (cl_finish(context, &plan, NULL, err) < 0)
		return -1;
	if (plan.count && !context->dry_run)
		mr_log(MR_LOG_INFO, _("the directory still runs and is still replicated; "
				      "cl-rebuild renders mailrepl's "
				      "configuration again"));
	return 0;
}

#define TIMER "/etc/systemd/system/timers.target.wants/mailrepl-backup.timer"

/* Not by itself: where archives go, and how long they stay, is not for us to say. */
static void say_timer(const struct cl_context *context, const struct mr_plan *plan)
{
	if (!plan->count || context->dry_run || *context->config.root ||
	    !mr_path_exists("/run/systemd/system") || mr_path_exists(TIMER))
		return;
	mr_log(MR_LOG_INFO,
	       _("archives every night: systemctl enable --now mailrepl-backup.timer; which of "
		 "them "
		 "stay is set by backup.keep in %s"),
	       context->config.path);
}

static int run(struct cl_context *context, struct mr_error *err)
{
	struct setup *asked = context->data;
	struct mr_setup_request *request = &asked->request;
	struct mr_setup setup = { 0 };
	struct mr_plan plan = { 0 };
	int result;

	if (asked->undo)
		return run_undo(context, err);
	if (asked->domains)
		return setup_domains_run(context, err);
	if (asked->password.wanted)
		return setup_password_run(context, &asked->password, err);
	if (asked->check_dns)
		return setup_check_dns_run(context, err);
	if (request->domain && !request->postmaster && !request->primary && !request->recipients &&
	    mr_setup_is_new(context->arena, &context->config, request->domain) &&
	    setup_ask_postmaster(context, request->domain, &request->postmaster, err) < 0)
		return -1;
	result = mr_setup_plan(context->arena, &context->config, request, &setup, &plan, err);
	if (result == 0)
		result = finish(context, request, &plan, err);
	if (result == 0)
		say_timer(context, &plan);
	if (result == 0 && setup.stale.count && !context->quiet && !context->json)
		printf(_("Rendered within seconds by mailrepl-watch, or by cl-rebuild, on: %s\n"),
		       mr_list_join(context->arena, &setup.stale, ", "));
	mr_setup_close(&setup);
	if (result == 0 && !context->dry_run && (request->domain || request->scheme || request->mx))
		setup_warn_dns(context, request->scheme != NULL);
	return result;
}

int main(int argc, char **argv)
{
	struct setup setup = { 0 };
	const struct cl_command command = {
		.name = "cl-setup",
		.usage = "mail DOMAIN | unix | --scheme SCHEME | --domains | --check-dns | "
			 "--remove-domain DOMAIN | --undo",
		.summary =
			N_("Sets up the first server of a mail domain, or adds to what it serves."),
		.options = options,
		.needs = CL_LOCK | CL_ROOT | CL_ASKS,
		.data = &setup,
		.option = option,
		.check = check,
		.run = run,
	};

	return cl_main(argc, argv, &command);
}
