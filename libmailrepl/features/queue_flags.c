#include "features/queue_flags.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"

#define QUEUE "/var/spool/postfix"

/* Files made in them inherit it. Those of Debian's postfix.postinst, and of Exim. A folder of the one that is not there is
 * left alone. */
static const char *const folders[] = { QUEUE "/incoming", QUEUE "/active",   QUEUE "/bounce",
				       QUEUE "/defer",    QUEUE "/deferred", QUEUE "/flush",
				       QUEUE "/saved",    QUEUE "/corrupt",
				       "/var/spool/exim4/input", "/var/spool/exim4/msglog" };

int mr_folder_is_synchronous(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), flags = 0, rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	close(fd);
	return rc < 0 ? -1 : (flags & FS_SYNC_FL) != 0;
}

int mr_folder_set_synchronous(const char *folder, bool wanted, struct mr_error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), flags = 0, rc;

	if (fd < 0)
		return mr_fail_errno(err, "%s", folder);
	rc = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags = wanted ? flags | FS_SYNC_FL : flags & ~FS_SYNC_FL;
	if (rc == 0)
		rc = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	if (rc < 0)
		mr_fail_errno(err, "%s", folder);
	close(fd);
	return rc;
}

static bool is_wanted(struct mr_arena *arena, const struct mr_config *config)
{
	const struct mr_value *mail = mr_value_get(mr_config_settings(arena, config), "mail");
	const struct mr_value *flag = mr_value_get(mail, "synchronous");

	return flag && flag->boolean;
}

/* Slower or not: mail is taken either way. */
static int set_flags(void *argument, struct mr_error *err)
{
	const struct mr_config *config = argument;
	MR_ARENA arena = mr_arena_open();
	bool wanted = is_wanted(arena, config), warned = false;

	(void)err;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct mr_error why;

		if (access(folders[i], F_OK) < 0 || warned ||
		    mr_folder_set_synchronous(folders[i], wanted, &why) == 0)
			continue;
		warned = true;
		mr_log(MR_LOG_WARNING,
		       _("mail.synchronous: this file system cannot do it, the queue stays as it "
			 "is: %s"),
		       why.message);
	}
	return 0;
}

void mr_queue_flags_plan(struct mr_arena *arena, const struct mr_config *config,
			 struct mr_plan *plan)
{
	bool wanted = is_wanted(arena, config), differs = false;

	if (!config->mail_manage || *config->root)
		return;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int has = mr_folder_is_synchronous(folders[i]);

		differs |= has >= 0 ? has != wanted : wanted && access(folders[i], F_OK) == 0;
	}
	if (differs)
		mr_plan_action(arena, plan, set_flags, (void *)config,
			       wanted ? _("have the mail queue written at once (chattr +S)")
				      : _("have the mail queue written as other files are"));
}
