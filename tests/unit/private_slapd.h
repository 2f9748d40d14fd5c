/* A real slapd for a test: in namespaces of the test's own, where names resolve as it wishes and
 * every port is free; it dies with the test. Run as anybody: without root the namespaces come with
 * a user namespace in which the caller is root. */
#ifndef MR_TESTS_UNIT_PRIVATE_SLAPD_H
#define MR_TESTS_UNIT_PRIVATE_SLAPD_H

#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "adapters/directory.h"
#include "base/clock.h"
#include "base/process.h"

static const char slapd_config[] =
	"dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcPidFile: @/slapd.pid\n"
	"olcTLSCACertificateFile: @/ca.crt\nolcTLSCertificateFile: @/mail1.lan.crt\n"
	"olcTLSCertificateKeyFile: @/mail1.lan.key\nolcTLSVerifyClient: demand\n"
	"olcAuthzRegexp: \"^cn=([^,]+),o=mailrepl$\" \"cn=$1,ou=Peers,dc=mailrepl\"\n"
	"olcAuthzRegexp: \"^gidNumber=0\\+uidNumber=0,cn=peercred,cn=external,cn=auth$\" "
	"\"cn=root,dc=mailrepl\"\n\n"
	"dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\n"
	"olcModulePath: /usr/lib/ldap\nolcModuleLoad: back_mdb\n\n"
	"dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n"
	"include: file:///etc/ldap/schema/core.ldif\n\ninclude: "
	"file:///etc/ldap/schema/cosine.ldif\n\n"
	"include: file:///etc/ldap/schema/nis.ldif\n\ninclude: "
	"file:///etc/ldap/schema/misc.ldif\n\n"
	"include: file:///etc/ldap/schema/inetorgperson.ldif\n\n"
	"dn: olcDatabase={1}mdb,cn=config\nobjectClass: olcMdbConfig\nolcDatabase: {1}mdb\n"
	"olcSuffix: dc=mailrepl\nolcDbDirectory: @/db\nolcRootDN: cn=root,dc=mailrepl\n"
	"olcSizeLimit: 5\nolcDbNoSync: TRUE\nolcDbMaxSize: 268435456\n"
	"olcAccess: to dn.base=\"ou=readonly,ou=test,dc=mailrepl\" by "
	"dn.onelevel=\"ou=Peers,dc=mailrepl\" read\n"
	"olcAccess: to * by dn.onelevel=\"ou=Peers,dc=mailrepl\" write by anonymous auth\n";

struct slapd {
	char *folder, *uri;
	pid_t pid;
};

static inline void write_text(const char *path, const char *text)
{
	struct mr_error err;

	assert_ok(mr_file_replace(path, text, strlen(text), MR_FILE_PUBLIC, &err), err);
}

static inline void run_shell(const char *folder, const char *script)
{
	const char *const argv[] = { "sh", "-euc", script, "sh", folder, NULL };
	struct mr_error err;

	assert_ok(mr_process_check(&(struct mr_process){ .argv = argv }, &err), err);
}

static inline void write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail_msg("%s: cannot be written", path);
	close(fd);
}

/* Loopback only; mail1.lan and mail2.lan are this host; any other name is asked of a DNS server
 * that never answers (its socket is kept). */
static inline void enter_namespaces(const char *folder)
{
	struct sockaddr_in dns = { .sin_family = AF_INET,
				   .sin_port = htons(53),
				   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	static const char *const files[][2] = {
		{ "hosts", "127.0.0.1 mail1.lan mail2.lan\n" },
		{ "resolv.conf", "nameserver 127.0.0.1\n" },
		{ "nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n" },
	};
	MR_ARENA arena = mr_arena_open();
	const char *uid_map = mr_printf(arena, "0 %d 1", (int)geteuid());
	const char *gid_map = mr_printf(arena, "0 %d 1", (int)getegid());
	bool root = geteuid() == 0;
	int fd;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | (root ? 0 : CLONE_NEWUSER)) < 0)
		fail_msg("no namespaces here: run as root or allow user namespaces");
	if (!root) {
		write_proc("/proc/self/setgroups", "deny");
		write_proc("/proc/self/uid_map", uid_map);
		write_proc("/proc/self/gid_map", gid_map);
	}
	/* slapd asks for its own name's address when it starts. */
	assert_int_equal(sethostname("mail1.lan", strlen("mail1.lan")), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = mr_printf(arena, "%s/%s", folder, files[i][0]);

		write_text(path, files[i][1]);
		assert_int_equal(
			mount(path, mr_printf(arena, "/etc/%s", files[i][0]), NULL, MS_BIND, NULL),
			0);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&dns, sizeof(dns)), 0);
}

/* ca.crt and its mail1.lan.{crt,key}; another CA with the same: other.crt, stranger.{crt,key}. */
static inline void make_certificates(const char *folder)
{
	run_shell(folder,
		  "cd \"$1\"; new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'\n"
		  "issue() { openssl req -x509 $new -CA $1.crt -CAkey $1.key -subj "
		  "/O=mailrepl/CN=mail1.lan "
		  "-addext subjectAltName=DNS:mail1.lan -addext basicConstraints=critical,CA:FALSE "
		  "-keyout $2.key -out $2.crt; }\n"
		  "for ca in ca other; do openssl req -x509 $new -subj /CN=$ca -keyout $ca.key "
		  "-out $ca.crt; done\n"
		  "issue ca mail1.lan; issue other stranger\n");
}

static inline bool answers(const char *uri)
{
	struct mr_directory_target target = { .uri = uri, .deadline_ms = 1000 };
	MR_DIRECTORY dir = NULL;
	struct mr_error err;

	return mr_directory_open(&target, &dir, &err) == 0;
}

static inline void slapd_start(struct slapd *slapd)
{
	MR_ARENA arena = mr_arena_open();
	const char *urls = mr_printf(arena, "%s ldap://127.0.0.1:3890", slapd->uri);
	const char *config = mr_printf(arena, "%s/config", slapd->folder);
	long long until = mr_now_ms() + 20000;
	pid_t parent = getpid();

	slapd->pid = fork();
	if (slapd->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			execl("/usr/sbin/slapd", "slapd", "-d", "0", "-F", config, "-h", urls,
			      NULL);
		_exit(127);
	}
	while (!answers(slapd->uri)) {
		if (mr_now_ms() > until || waitpid(slapd->pid, NULL, WNOHANG) != 0)
			fail_msg("slapd does not start");
		poll(NULL, 0, 5);
	}
}

/* When this returns no thread of it runs. */
static inline void slapd_hang(const struct slapd *slapd)
{
	assert_int_equal(kill(slapd->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(slapd->pid, NULL, WUNTRACED), slapd->pid);
}

static inline void slapd_wake(const struct slapd *slapd)
{
	kill(slapd->pid, SIGCONT);
}

static inline void slapd_kill(struct slapd *slapd)
{
	kill(slapd->pid, SIGKILL);
	waitpid(slapd->pid, NULL, 0);
}

/* Its folder, namespaces, certificates, configuration, and a running server with an empty database.
 */
static inline void slapd_make(struct slapd *slapd)
{
	MR_ARENA arena = mr_arena_open();
	MR_BUF config = { 0 };
	char template[] = "/tmp/mailrepl-test-XXXXXX";

	slapd->folder = strdup(mkdtemp(template));
	slapd->uri = strdup(mr_directory_socket_uri(arena, mr_printf(arena, "%s/ldapi", template)));
	enter_namespaces(slapd->folder);
	make_certificates(slapd->folder);
	for (const char *p = slapd_config; *p; p++)
		mr_buf_add(&config, *p == '@' ? slapd->folder : p,
			   *p == '@' ? strlen(slapd->folder) : 1);
	write_text(mr_printf(arena, "%s/config.ldif", slapd->folder), mr_buf_text(&config));
	run_shell(slapd->folder,
		  "cd \"$1\"; mkdir config db; slapadd -q -n0 -F config -l config.ldif\n"
		  "printf 'dn: dc=mailrepl\\nobjectClass: domain\\ndc: mailrepl\\n' |"
		  "slapadd -q -n1 -F config");
	slapd_start(slapd);
}

static inline void slapd_remove(struct slapd *slapd)
{
	struct mr_error err;

	slapd_kill(slapd);
	assert_ok(mr_tree_remove(slapd->folder, &err), err);
	free(slapd->folder);
	free(slapd->uri);
}

#endif
