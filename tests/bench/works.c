#include "works.h"

#include "load.h"

#include "base/file.h"
#include "pki/cert.h"

#include <openssl/evp.h>

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAKER_SEED "a chipmaker only for measurements"

static void
must(enum bm_rc rc, const struct bm_fail *fail)
{
    if (rc != BM_OK)
        bench_die("%s", fail->text);
}

/* Where the state goes and the programs are: as ./bench says, or here. */
static const char *
place(const char *variable, const char *otherwise)
{
    const char *said = getenv(variable);

    return said != NULL && said[0] != '\0' ? said : otherwise;
}

/* Starts one of our programs; its stdout goes to `out` unless that is -1. */
static pid_t
start(const char *name, const char *const *args, int out)
{
    char path[4096];
    const char *argv[16] = { name };
    union {
        const char *const *from;
        char *const *to;
    } give = { .from = argv };
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/%s", place("BM_BUILD", BM_BUILD_ROOT), name);
    for (size_t i = 0; args[i] != NULL; i++)
        argv[i + 1] = args[i];
    if ((pid = fork()) < 0)
        bench_die("fork: %s", strerror(errno));
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (out >= 0)
            (void)dup2(out, STDOUT_FILENO);
        (void)execv(path, give.to);
        _exit(127);
    }
    return pid;
}

pid_t
works_command(const struct works *works, const char *const *args)
{
    FILE *null = fopen("/dev/null", "w");
    pid_t pid;

    if (null == NULL || setenv("BIRTHMARK_HOME", works->home, 1) != 0)
        bench_die("no /dev/null");
    pid = start("birthmark", args, fileno(null));
    (void)fclose(null);
    return pid;
}

static void
command(const struct works *works, const char *const *args)
{
    pid_t pid = works_command(works, args);
    int status;

    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("birthmark %s failed", args[0]);
}

void
works_maker(struct bm_note_signer *ret_maker)
{
    struct bm_fail fail;

    must(bm_note_signer_init(ret_maker, "Example-Silicon", (const uint8_t *)MAKER_SEED, &fail), &fail);
}

static void
lot_build(struct works *works, struct bm_buf *file, const struct bm_note_signer *maker)
{
    struct bm_buf *leaves = calloc(works->n, sizeof(*leaves));
    struct bm_bytes *views = calloc(works->n, sizeof(*views));
    const struct bm_head_signer head_signer = { .sign = bm_head_sign_note, .ctx = (void *)(uintptr_t)maker };
    const struct bm_lot_head head = { .lot = "bench-lot", .vendor = WORKS_VENDOR, .revision = 1 };
    struct bm_fail fail;

    if (leaves == NULL || views == NULL)
        bench_die("no memory");
    for (size_t i = 0; i < works->n; i++) {
        struct bm_leaf leaf = { .kind = BM_LEAF_KEYS, .root = BM_ROOT_SOFTWARE, .nkeys = 1 };

        must(bm_private_generate(&works->roots[i], BM_KEY_P256, &fail), &fail);
        (void)snprintf(leaf.id, sizeof(leaf.id), "B-%06zu", i);
        leaf.keys[0] = (struct bm_leaf_key){ .use = BM_USE_SIGN, .key = *bm_private_public(works->roots[i]) };
        leaves[i].max = BM_MAX_LEAF;
        must(bm_leaf_build(&leaves[i], &leaf, &fail), &fail);
        views[i] = bm_buf_bytes(&leaves[i]);
    }
    must(bm_manifest_build(file, &head, views, works->n, &head_signer, &fail), &fail);
    for (size_t i = 0; i < works->n; i++)
        bm_buf_done(&leaves[i]);
    free(leaves);
    free(views);
}

/* The chipmaker's public key in PEM, the lot's file: both beside the home. */
static void
files_write(struct works *works, const char *key_path, const char *lot_path)
{
    static const uint8_t ed25519[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    bm_cleanup(bm_buf_done) struct bm_buf spki = { .max = 64 }, pem = { .max = 1024 }, lot = { .max = BM_MAX_LOT_FILE };
    bm_cleanup(bm_note_signer_wipe) struct bm_note_signer maker = { 0 };
    struct bm_fail fail;

    works_maker(&maker);
    bm_buf_add(&spki, ed25519, sizeof(ed25519));
    bm_buf_add(&spki, maker.key.key, BM_NOTE_KEY);
    bm_pem_build(&pem, "PUBLIC KEY", bm_buf_bytes(&spki));
    must(bm_file_write(key_path, bm_buf_bytes(&pem), 0600, &fail), &fail);
    lot_build(works, &lot, &maker);
    must(bm_file_write(lot_path, bm_buf_bytes(&lot), 0600, &fail), &fail);
}

static void
server_start(struct works *works)
{
    const char *args[] = { "--home", works->home, "--listen", "127.0.0.1:0", NULL };
    char line[256], *colon;
    int said[2];
    FILE *in;

    if (pipe(said) != 0 || (in = fdopen(said[0], "r")) == NULL)
        bench_die("no pipe");
    works->server = start("birthmarkd", args, said[1]);
    (void)close(said[1]);
    /* birthmark serves https://127.0.0.1:PORT (home ...) */
    if (fgets(line, sizeof(line), in) == NULL || (colon = strstr(line, "127.0.0.1:")) == NULL)
        bench_die("birthmarkd did not start");
    works->port = (int)strtol(colon + 10, NULL, 10);
    (void)fclose(in);
}

static void
processes_find(struct works *works)
{
    char path[128];
    FILE *in;
    int pid;

    works->pids[works->npids++] = works->server;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)works->server, (int)works->server);
    if ((in = fopen(path, "r")) == NULL)
        bench_die("%s: %s", path, strerror(errno));
    while (works->npids < WORKS_PROCESSES && fscanf(in, "%d", &pid) == 1)
        works->pids[works->npids++] = pid;
    (void)fclose(in);
}

void
works_open(struct works *works, size_t n)
{
    works_open_for(works, n, n);
}

void
works_open_for(struct works *works, size_t n, size_t quantity)
{
    const char *state = place("BM_STATE", "/tmp");
    char key[1100], lot[1100], count[32], ordered[32];

    *works = (struct works){ .n = n, .roots = calloc(n, sizeof(struct bm_private *)) };
    if (works->roots == NULL)
        bench_die("no memory");
    (void)snprintf(works->home, sizeof(works->home), "%s/works-%d", state, (int)getpid());
    (void)snprintf(key, sizeof(key), "%s/works-%d.pub", state, (int)getpid());
    (void)snprintf(lot, sizeof(lot), "%s/works-%d.manifest", state, (int)getpid());
    (void)snprintf(count, sizeof(count), "%zu", n);
    (void)snprintf(ordered, sizeof(ordered), "%zu", quantity);
    command(works, (const char *const[]){ "init", "--name", "Bench Works", "--url", "https://localhost:8443", NULL });
    files_write(works, key, lot);
    command(works, (const char *const[]){ "vendor", "add", WORKS_VENDOR, "--signer", key, NULL });
    command(works, (const char *const[]){ "lot", "receive", lot, "--vendor", WORKS_VENDOR, "--expect", count, NULL });
    command(works,
            (const char *const[]){ "order", "open", "bench", "--lot", "bench-lot", "--profile", "bench-1", "--quantity", ordered, NULL });
    (void)unlink(key);
    (void)unlink(lot);
    server_start(works);
    processes_find(works);
}

static int
erase(const char *path, const struct stat *what, int kind, struct FTW *walk)
{
    (void)what;
    (void)kind;
    (void)walk;
    return remove(path);
}

void
works_close(struct works *works)
{
    int status;

    (void)kill(works->server, SIGTERM);
    (void)waitpid(works->server, &status, 0);
    (void)nftw(works->home, erase, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < works->n; i++)
        bm_private_free(works->roots[i]);
    free(works->roots);
}

/* PID (NAME) and the rest, where utime and stime are fields 14 and 15, counted from before the name. 0 for another program. */
static double
cpu_of(pid_t pid, const char *program)
{
    char path[64], text[1024];
    unsigned long long user = 0, system = 0;
    const char *name, *end;
    size_t n;
    FILE *in;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if ((in = fopen(path, "r")) == NULL)
        bench_die("a process of the server has ended");
    n = fread(text, 1, sizeof(text) - 1, in);
    (void)fclose(in);
    text[n] = '\0';
    if ((name = strchr(text, '(')) == NULL || (end = strrchr(text, ')')) == NULL ||
        sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        bench_die("%s cannot be read", path);
    if (strncmp(name + 1, program, strlen(program)) != 0)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double
works_cpu(const struct works *works, const char *program)
{
    double sum = 0;

    for (size_t i = 0; i < works->npids; i++)
        sum += cpu_of(works->pids[i], program);
    return sum;
}

double
works_pss(const struct works *works)
{
    double sum = 0;

    for (size_t i = 0; i < works->npids; i++) {
        char path[64], line[256];
        unsigned long long kib;
        bool found = false;
        FILE *in;

        (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)works->pids[i]);
        if ((in = fopen(path, "r")) == NULL)
            return -1;
        while (fgets(line, sizeof(line), in) != NULL)
            if (sscanf(line, "Pss: %llu kB", &kib) == 1) {
                sum += (double)kib / 1024;
                found = true;
            }
        (void)fclose(in);
        if (!found)
            return -1;
    }
    return sum;
}
