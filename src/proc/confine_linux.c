/* confine_linux.c - privileges and Landlock; the system calls are in confine_seccomp.c. */
#include "base/base.h"
#include "proc/confine_list.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* Debian 12's header stops at ABI 2; these values are the kernel's, for ever (include/uapi/linux/landlock.h). */
struct ruleset {
    uint64_t fs;
    uint64_t net;    /* from ABI 4 */
    uint64_t scoped; /* from ABI 6 */
};

struct beneath {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,
    FS_TRUNCATE = 1 << 14,
    FS_IOCTL_DEV = 1 << 15,
    FS_ALL_1 = (1 << 13) - 1,
    NET_ALL_4 = 3,    /* bind, connect (TCP) */
    SCOPED_ALL_6 = 3, /* abstract Unix sockets, signals */

    FS_READ = FS_READ_FILE | FS_READ_DIR,
    FS_WRITE = FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE,
};

/* What each ABI taught the kernel to handle. A right that is not handled is silently allowed, so everything known is. */
static const struct {
    int abi;
    size_t size; /* of the attribute that this ABI reads */
    struct ruleset adds;
} abis[] = {
    { 1, 8, { .fs = FS_ALL_1 } },    { 2, 8, { .fs = FS_REFER } },      { 3, 8, { .fs = FS_TRUNCATE } },
    { 4, 16, { .net = NET_ALL_4 } }, { 5, 16, { .fs = FS_IOCTL_DEV } }, { 6, 24, { .scoped = SCOPED_ALL_6 } },
};

static int
landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
}

static enum bm_rc
landlock_allow(int ruleset, uint64_t handled, const struct bm_confine_dir *dir, const char *name, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct beneath rule = { .allowed = (dir->write ? (uint64_t)FS_WRITE : (uint64_t)FS_READ) & handled, .fd = fd };

    if (fd < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't reach its directory %s: %s", name, dir->path, strerror(errno));
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "Landlock refuses a rule for %s: %s", dir->path, strerror(errno));
    return BM_OK;
}

/* Fails where the confinement does not bite: "/" must be out of reach now. */
static enum bm_rc
landlock_bites(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int fd = -1;

    for (size_t i = 0; i < plan->ndirs; i++)
        if (strcmp(plan->dirs[i].path, "/") == 0)
            return bm_fail(fail, BM_EBUG, NULL, "the plan of the %s names the root directory", plan->name);
    fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 || errno != EACCES)
        return bm_fail(fail, BM_EBUSY, NULL, "Landlock was switched on for the %s and does not hold; it will not run unconfined",
                       plan->name);
    return BM_OK;
}

static enum bm_rc
confine_files(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    bm_cleanup(bm_fd_done) int ruleset = -1;
    struct ruleset attr = { .fs = 0 };
    size_t size = 0;
    int abi = landlock_abi();
    enum bm_rc rc;

    if (abi < 1)
        return bm_fail(fail, BM_EBUSY, NULL,
                       "this kernel has no Landlock (%s); the %s will not run unconfined: use Linux 5.13 or newer with landlock in the "
                       "boot option lsm=",
                       strerror(errno), plan->name);
    for (size_t i = 0; i < BM_COUNT(abis) && abis[i].abi <= abi; i++) {
        attr.fs |= abis[i].adds.fs;
        attr.net |= abis[i].adds.net;
        attr.scoped |= abis[i].adds.scoped;
        size = abis[i].size;
    }
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return bm_fail(fail, BM_EBUSY, NULL, "Landlock (abi %d) refuses the rules of the %s: %s", abi, plan->name, strerror(errno));
    for (size_t i = 0; i < plan->ndirs; i++)
        if ((rc = landlock_allow(ruleset, attr.fs, &plan->dirs[i], plan->name, fail)) != BM_OK)
            return rc;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "Landlock can't be switched on for the %s: %s", plan->name, strerror(errno));
    return landlock_bites(plan, fail);
}

static enum bm_rc
drop_uid(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    if (!plan->nobody || geteuid() != 0)
        return BM_OK;
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't become uid %d: %s", plan->name, NOBODY, strerror(errno));
    return BM_OK;
}

/* Root without capabilities is an owner of files, nothing more. The bounding set is moot: nothing is executed any more. */
static enum bm_rc
drop_capabilities(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || syscall(SYS_capset, &head, none) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't drop its capabilities: %s", plan->name, strerror(errno));
    return BM_OK;
}

/* The kernel forgets the parent-death signal when credentials change (prctl(2)): set it again, unless the parent died in between. */
static enum bm_rc
drop_privileges(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    int death = 0;
    pid_t parent = getppid();
    enum bm_rc rc;

    if (prctl(PR_GET_PDEATHSIG, &death) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't read its parent-death signal: %s", plan->name, strerror(errno));
    if ((rc = drop_uid(plan, fail)) != BM_OK || (rc = drop_capabilities(plan, fail)) != BM_OK)
        return rc;
    if (prctl(PR_SET_PDEATHSIG, death) != 0 || (death != 0 && getppid() != parent))
        return bm_fail(fail, BM_EBUSY, NULL, "the process that started the %s is gone", plan->name);
    return BM_OK;
}

/* Another user's home may lie behind directories that only privileges could pass: say it here, not at the first write. */
static enum bm_rc
check_reach(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    for (size_t i = 0; i < plan->ndirs; i++) {
        if (faccessat(AT_FDCWD, plan->dirs[i].path, R_OK | X_OK | (plan->dirs[i].write ? W_OK : 0), AT_EACCESS) == 0)
            continue;
        if (errno == ENOENT)
            return bm_fail(fail, BM_EBUSY, NULL, "%s is not there: put its newest copy back, or make an empty directory in its place",
                           plan->dirs[i].path);
        return bm_fail(fail, BM_EBUSY, NULL,
                       "the %s can't use %s as uid %u without privileges: %s; run as its owner, or give it to this user", plan->name,
                       plan->dirs[i].path, (unsigned)geteuid(), strerror(errno));
    }
    return BM_OK;
}

enum bm_rc
bm_confine(const struct bm_confine_plan *plan, struct bm_fail *fail)
{
    struct rlimit none = { 0, 0 };
    enum bm_rc rc;

    if ((rc = bm_confine_bounds(plan, fail)) != BM_OK || (rc = drop_privileges(plan, fail)) != BM_OK ||
        (rc = check_reach(plan, fail)) != BM_OK)
        return rc;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return bm_fail(fail, BM_EBUSY, NULL, "the %s can't give up core dumps and new privileges: %s", plan->name, strerror(errno));
    if ((rc = confine_files(plan, fail)) != BM_OK)
        return rc;
    return bm_confine_calls(plan, fail);
}

void
bm_confine_probe(char ret_text[static BM_CONFINE_TEXT])
{
    int abi = landlock_abi();

    /* Seccomp comes last in bm_confine(), so a filter in a process that is neither dumpable nor promotable means that all of it holds. */
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
        (void)snprintf(ret_text, BM_CONFINE_TEXT, "none");
        return;
    }
    (void)snprintf(ret_text, BM_CONFINE_TEXT, "landlock abi %d, seccomp, no_new_privs, uid %u", abi, (unsigned)getuid());
}
