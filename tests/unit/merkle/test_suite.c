/* test_suite.c - the 518 proofs of transparency-dev/merkle come out as its authors say. */
#include "../testing.h"

#include "merkle/tree.h"
#include "wire/json.h"
#include "wire/text.h"

#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <sys/wait.h>

#define CASES 518

static char dir[] = "/tmp/bm-merkle-XXXXXX";

static int
command_run(const char *const *argv)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } args = { .in = argv };

        (void)execvp(argv[0], args.out);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The sizes go up to 2^64 - 1, which jansson does not hold: read here, and blanked out before it sees them. */
static uint64_t
number_take(char *text, const char *key)
{
    char *at = strstr(text, key);
    unsigned long long v;
    char *end;

    assert_non_null(at);
    at += strlen(key);
    v = strtoull(at, &end, 10);
    *at++ = ' ';
    while (at < end)
        *at++ = ' ';
    end[-1] = '0';
    return v;
}

/*
 * Our types hold hashes of 32 bytes and nothing else; a reader refuses the rest. Some cases compare roots that are a few words ("don't care"):
 * these are carried over by their hash, alike to alike. Nothing at all is refused.
 */
static bool
hash_of(uint8_t ret[static BM_HASH], const json_t *text)
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100 };
    struct bm_fail fail;

    assert_true(json_is_string(text));
    assert_int_equal(bm_b64_parse(&buf, BM_B64_STD, bm_bytes_str(json_string_value(text)), &fail), BM_OK);
    if (buf.n == BM_HASH)
        memcpy(ret, buf.p, BM_HASH);
    else
        assert_int_equal(EVP_Digest(buf.p, buf.n, ret, NULL, EVP_sha256(), NULL), 1);
    return buf.n > 0;
}

static bool
proof_of(struct bm_proof *ret, const json_t *list)
{
    const json_t *text;
    size_t i;

    ret->n = json_array_size(list);
    if (ret->n > BM_MAX_PROOF)
        return false;
    json_array_foreach(list, i, text)
    {
        if (json_string_length(text) != 44) /* 32 bytes */
            return false;
        assert_true(hash_of(ret->hash[i], text));
    }
    return true;
}

/* The four kinds of case, told apart by the field that only they have; and the names of their numbers and hashes. */
enum kind {
    SUBTREE_INCLUSION,
    SUBTREE_CONSISTENCY,
    INCLUSION,
    CONSISTENCY
};
static const struct {
    const char *numbers[3];
    const char *hashes[2];
} kinds[] = {
    [SUBTREE_INCLUSION] = { { "\"leafIdx\":", "\"start\":", "\"end\":" }, { "leafHash", "root" } },
    [SUBTREE_CONSISTENCY] = { { "\"start\":", "\"end\":", "\"size\":" }, { "root1", "root2" } },
    [INCLUSION] = { { "\"leafIdx\":", "\"treeSize\":" }, { "leafHash", "root" } },
    [CONSISTENCY] = { { "\"size1\":", "\"size2\":" }, { "root1", "root2" } },
};

static enum kind
kind_of(const char *text)
{
    if (strstr(text, "\"start\":") != NULL)
        return strstr(text, "\"leafIdx\":") != NULL ? SUBTREE_INCLUSION : SUBTREE_CONSISTENCY;
    return strstr(text, "\"leafIdx\":") != NULL ? INCLUSION : CONSISTENCY;
}

static enum bm_rc
proof_check(enum kind kind, const struct bm_proof *proof, const uint64_t n[3], uint8_t hash[2][BM_HASH], struct bm_fail *fail)
{
    switch (kind) {
    case SUBTREE_INCLUSION:
        return bm_subtree_inclusion_check(proof, n[0], n[1], n[2], hash[0], hash[1], fail);
    case SUBTREE_CONSISTENCY:
        return bm_subtree_consistency_check(proof, n[0], n[1], n[2], hash[0], hash[1], fail);
    case INCLUSION:
        return bm_inclusion_check(proof, n[0], n[1], hash[0], hash[1], fail);
    case CONSISTENCY:
    default:
        return bm_consistency_check(proof, n[0], n[1], hash[0], hash[1], fail);
    }
}

static void
case_run(const char *path, size_t good[static BM_COUNT(kinds)])
{
    bm_cleanup(bm_buf_done) struct bm_buf buf = { .max = 100000 };
    struct bm_fail fail = { 0 };
    struct bm_proof proof = { 0 };
    uint8_t hash[2][BM_HASH];
    enum bm_rc rc = BM_EINPUT;
    json_t *json = NULL;
    uint64_t n[3] = { 0 };
    enum kind kind;
    char *text;

    assert_int_equal(bm_file_read(&buf, path, &fail), BM_OK);
    bm_buf_add_u8(&buf, 0);
    text = (char *)buf.p;
    kind = kind_of(text);
    for (size_t i = 0; i < 3 && kinds[kind].numbers[i] != NULL; i++)
        n[i] = number_take(text, kinds[kind].numbers[i]);
    assert_int_equal(bm_json_parse(&json, bm_bytes_str(text), buf.max, &fail), BM_OK);
    if (proof_of(&proof, json_object_get(json, "proof")) && hash_of(hash[0], json_object_get(json, kinds[kind].hashes[0])) &&
        hash_of(hash[1], json_object_get(json, kinds[kind].hashes[1])))
        rc = proof_check(kind, &proof, n, hash, &fail);
    if ((rc != BM_OK) != json_is_true(json_object_get(json, "wantErr")))
        fail_msg("%s: got %s: %s", path, bm_rc_word(rc), fail.text);
    good[kind] += rc == BM_OK;
    json_decref(json);
}

static void
all_cases_come_out_as_they_say(void **state)
{
    char archive[BM_PATH], *roots[] = { dir, NULL };
    const char *const untar[] = { "tar", "-xzf", archive, "-C", dir, NULL };
    size_t count = 0, good[BM_COUNT(kinds)] = { 0 };
    FTSENT *file;
    FTS *walk;

    (void)state;
    if (!kit_shared_path(archive, "suites/merkle_testdata.tar.gz"))
        kit_skip(KIT_NO_SHARED);
    assert_int_equal(command_run(untar), 0);
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    assert_non_null(walk);
    while ((file = fts_read(walk)) != NULL) {
        if (file->fts_info != FTS_F || strstr(file->fts_name, ".json") == NULL)
            continue;
        case_run(file->fts_path, good);
        count++;
    }
    (void)fts_close(walk);
    assert_int_equal(count, CASES);
    /* each check has said yes as well as no */
    for (size_t i = 0; i < BM_COUNT(kinds); i++)
        assert_true(good[i] >= 5);
    print_message("%zu of %d cases\n", count, CASES);
}

static int
directory_make(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
directory_remove(void **state)
{
    const char *const rm[] = { "rm", "-rf", dir, NULL };

    (void)state;
    return command_run(rm);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases_come_out_as_they_say),
    };

    return kit_end(cmocka_run_group_tests(tests, directory_make, directory_remove));
}
