#include "adapters/password.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define SCHEME "{CRYPT}"
#define MOST_BYTES ((size_t)CRYPT_MAX_PASSPHRASE_SIZE - 1)

int mr_password_hash(const struct mr_secret *password, struct mr_secret *out, struct mr_error *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], text[sizeof(SCHEME) + CRYPT_OUTPUT_SIZE];
	struct crypt_data *work;
	const char *hash;

	if (!password->data || password->len == 0)
		return mr_fail(err, MR_E_INVALID, _("the password is empty"));
	if (password->len > MOST_BYTES)
		return mr_fail(err, MR_E_INVALID, _("the password is longer than %zu bytes"),
			       MOST_BYTES);
	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof(setting)))
		return mr_fail_errno(err, _("making a salt for the password"));
	work = calloc(1, sizeof(*work));
	if (!work)
		abort();
	hash = crypt_rn(password->data, setting, work, (int)sizeof(*work));
	if (hash) {
		size_t len = strlen(hash);

		memcpy(text, SCHEME, sizeof(SCHEME) - 1);
		memcpy(text + sizeof(SCHEME) - 1, hash, len);
		mr_secret_set(out, text, sizeof(SCHEME) - 1 + len);
		explicit_bzero(text, sizeof(text));
	}
	explicit_bzero(work, sizeof(*work));
	free(work);
	return hash ? 0 : mr_fail_errno(err, _("hashing the password"));
}

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define ENDING (sizeof(ending) / sizeof(ending[0]))

/* For the signal handler, which has no argument of its own. */
static struct termios terminal_before;
static int terminal = -1;

/* Everything called here is async-signal-safe. The raised signal is delivered when this returns. */
static void restore_and_die(int number)
{
	tcsetattr(terminal, TCSAFLUSH, &terminal_before);
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_signals(struct sigaction before[ENDING])
{
	struct sigaction action = { .sa_handler = restore_and_die };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ENDING; i++) {
		sigaction(ending[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	}
}

static void restore_signals(const struct sigaction before[ENDING])
{
	for (size_t i = 0; i < ENDING; i++)
		sigaction(ending[i], &before[i], NULL);
}

/* Ctrl-Z is switched off: a shell would come back to a terminal without echo. */
static int echo_off(struct mr_error *err)
{
	struct termios silent = terminal_before;

	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	silent.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(terminal, TCSAFLUSH, &silent) < 0)
		return mr_fail_errno(err, _("switching the terminal's echo off"));
	return 0;
}

static int ask_line(const char *prompt, const char *user, struct mr_secret *out,
		    struct mr_error *err)
{
	int rc;

	dprintf(terminal, prompt, user);
	rc = mr_secret_read_line(out, terminal, MOST_BYTES, err);
	dprintf(terminal, "\n");
	return rc;
}

static int ask_twice(const char *user, struct mr_secret *out, struct mr_error *err)
{
	MR_SECRET again = { 0 };

	if (ask_line(_("Password for %s: "), user, out, err) < 0)
		return -1;
	if (out->len == 0)
		return mr_fail(err, MR_E_INVALID, _("the password is empty"));
	if (ask_line(_("The same again for %s: "), user, &again, err) < 0)
		return -1;
	if (out->len != again.len || memcmp(out->data, again.data, out->len) != 0)
		return mr_fail(err, MR_E_INVALID, _("the two passwords differ"));
	return 0;
}

static int ask_passphrase(const char *what, struct mr_secret *out, struct mr_error *err)
{
	return ask_line(_("Passphrase of %s: "), what, out, err);
}

static int ask_new_passphrase(const char *what, struct mr_secret *out, struct mr_error *err)
{
	MR_SECRET again = { 0 };

	if (ask_passphrase(what, out, err) < 0 ||
	    ask_line(_("The same again for %s: "), what, &again, err) < 0)
		return -1;
	if (out->len == 0)
		return mr_fail(err, MR_E_INVALID, _("the passphrase is empty"));
	if (out->len != again.len || memcmp(out->data, again.data, out->len) != 0)
		return mr_fail(err, MR_E_INVALID, _("the two passphrases differ"));
	return 0;
}

static int ask_old(const char *user, struct mr_secret *out, struct mr_error *err)
{
	return ask_line(_("Present password of %s: "), user, out, err);
}

static const char no_password_terminal[] = N_("there is no terminal to ask for a password: use -P");

static int ask(const char *user, struct mr_secret *out,
	       int (*questions)(const char *, struct mr_secret *, struct mr_error *),
	       const char *no_terminal, struct mr_error *err)
{
	struct sigaction before[ENDING];
	int rc;

	terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0 || tcgetattr(terminal, &terminal_before) < 0) {
		if (terminal >= 0)
			close(terminal);
		return mr_fail(err, MR_E_USAGE, "%s", no_terminal);
	}
	catch_signals(before);
	rc = echo_off(err);
	if (rc == 0)
		rc = questions(user, out, err);
	tcsetattr(terminal, TCSAFLUSH, &terminal_before);
	restore_signals(before);
	close(terminal);
	terminal = -1;
	if (rc < 0)
		mr_secret_close(out);
	return rc;
}

int mr_password_ask(const char *user, struct mr_secret *out, struct mr_error *err)
{
	return ask(user, out, ask_twice, _(no_password_terminal), err);
}

int mr_password_ask_once(const char *user, struct mr_secret *out, struct mr_error *err)
{
	return ask(user, out, ask_old, _(no_password_terminal), err);
}

int mr_passphrase_ask(const char *what, bool twice, struct mr_secret *out, struct mr_error *err)
{
	return ask(what, out, twice ? ask_new_passphrase : ask_passphrase,
		   _("there is no terminal to ask for a passphrase: use --passphrase-stdin"), err);
}
