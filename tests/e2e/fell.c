/* fell.so: kills mailrepl-move at one of its steps. For LD_PRELOAD.
 *
 * Every call by which it changes something (an entry, a place of mail, a file) or says in the log
 * that it has is a line "number name" in the file FELL_TRACE, counted over all processes that write
 * there; the one that writes line FELL_AT dies, before it makes the call. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <ldap.h>

#define WIDTH 32 /* of a line */

static void step(const char *name)
{
	const char *trace = getenv("FELL_TRACE"), *at = getenv("FELL_AT");
	char line[WIDTH + 1];
	struct stat st;
	long number;
	int fd;

	if (!trace || strcmp(program_invocation_short_name, "mailrepl-move") != 0)
		return;
	fd = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		abort();
	number = st.st_size / WIDTH + 1;
	memset(line, ' ', WIDTH);
	line[snprintf(line, WIDTH, "%ld %s", number, name)] = ' ';
	line[WIDTH - 1] = '\n';
	if (write(fd, line, WIDTH) != WIDTH)
		abort();
	close(fd);
	if (at && atol(at) == number)
		kill(getpid(), SIGKILL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void syslog(int priority, const char *fmt, ...)
{
	va_list args;

	if (LOG_PRI(priority) == LOG_NOTICE)
		step("audit");
	va_start(args, fmt);
	vsyslog(priority, fmt, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *fmt, ...);
void __syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list args;

	(void)flag;
	if (LOG_PRI(priority) == LOG_NOTICE)
		step("audit");
	va_start(args, fmt);
	vsyslog(priority, fmt, args);
	va_end(args);
}

int rename(const char *from, const char *to)
{
	step("rename");
	return NEXT(rename)(from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	step("renameat2");
	return NEXT(renameat2)(from_fd, from, to_fd, to, flags);
}

int unlink(const char *path)
{
	step("unlink");
	return NEXT(unlink)(path);
}

int unlinkat(int fd, const char *path, int flags)
{
	step("unlinkat");
	return NEXT(unlinkat)(fd, path, flags);
}

int ldap_add_ext(LDAP *ld, const char *dn, LDAPMod **attrs, LDAPControl **server,
		 LDAPControl **client, int *id)
{
	step("add");
	return NEXT(ldap_add_ext)(ld, dn, attrs, server, client, id);
}

int ldap_modify_ext(LDAP *ld, const char *dn, LDAPMod **mods, LDAPControl **server,
		    LDAPControl **client, int *id)
{
	step("modify");
	return NEXT(ldap_modify_ext)(ld, dn, mods, server, client, id);
}

int ldap_delete_ext(LDAP *ld, const char *dn, LDAPControl **server, LDAPControl **client, int *id)
{
	step("delete");
	return NEXT(ldap_delete_ext)(ld, dn, server, client, id);
}
