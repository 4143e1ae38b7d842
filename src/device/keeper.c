#include "device/keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct bm_keepers {
    pthread_mutex_t lock; /* the list, and every count in it */
    struct bm_keeper *first;
};

struct bm_keeper {
    struct bm_keepers *of; /* NULL: lent */
    struct bm_keeper *next;
    unsigned owners;
    pthread_mutex_t lock; /* the root */
    struct bm_root *root;
    pid_t opener;
    bool signs; /* a signature was made in this process: the root stays open */
    char uri[];
};

struct bm_keepers *
bm_keepers_new(void)
{
    struct bm_keepers *keepers = calloc(1, sizeof(*keepers));

    if (keepers != NULL && pthread_mutex_init(&keepers->lock, NULL) != 0) {
        free(keepers);
        return NULL;
    }
    return keepers;
}

void
bm_keepers_free(struct bm_keepers *keepers)
{
    if (keepers == NULL)
        return;
    (void)pthread_mutex_destroy(&keepers->lock);
    free(keepers);
}

static struct bm_keeper *
keeper_make(const char *uri)
{
    size_t n = strlen(uri) + 1;
    struct bm_keeper *made = calloc(1, sizeof(*made) + n);

    if (made == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made);
        return NULL;
    }
    memcpy(made->uri, uri, n);
    made->owners = 1;
    return made;
}

/* With the list's lock. */
static struct bm_keeper *
keeper_find(struct bm_keepers *keepers, const char *uri)
{
    struct bm_keeper *at = keepers->first;

    while (at != NULL && strcmp(at->uri, uri) != 0)
        at = at->next;
    if (at != NULL)
        at->owners++;
    else if ((at = keeper_make(uri)) != NULL) {
        at->of = keepers;
        at->next = keepers->first;
        keepers->first = at;
    }
    return at;
}

enum bm_rc
bm_keeper_get(struct bm_keeper **ret_keeper, struct bm_keepers *keepers, const char *root_uri, struct bm_fail *fail)
{
    struct bm_keeper *found;

    (void)pthread_mutex_lock(&keepers->lock);
    found = keeper_find(keepers, root_uri);
    (void)pthread_mutex_unlock(&keepers->lock);
    if (found == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    *ret_keeper = found;
    return BM_OK;
}

enum bm_rc
bm_keeper_lend(struct bm_keeper **ret_keeper, struct bm_root *root, struct bm_fail *fail)
{
    struct bm_keeper *made = keeper_make("");

    if (made == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "no memory");
    made->root = root;
    *ret_keeper = made;
    return BM_OK;
}

/* A lent root's keys are used by one thread (birthmark.h): their count needs no lock. */
static unsigned
owners_add(struct bm_keeper *keeper, int more)
{
    unsigned owners;

    if (keeper->of != NULL)
        (void)pthread_mutex_lock(&keeper->of->lock);
    owners = keeper->owners = more > 0 ? keeper->owners + 1 : keeper->owners - 1;
    for (struct bm_keeper **at = keeper->of != NULL ? &keeper->of->first : NULL; at != NULL && *at != NULL && owners == 0;) {
        if (*at == keeper)
            *at = keeper->next;
        else
            at = &(*at)->next;
    }
    if (keeper->of != NULL)
        (void)pthread_mutex_unlock(&keeper->of->lock);
    return owners;
}

struct bm_keeper *
bm_keeper_again(struct bm_keeper *keeper)
{
    if (keeper != NULL)
        (void)owners_add(keeper, 1);
    return keeper;
}

static void
root_close(struct bm_keeper *keeper)
{
    if (keeper->of != NULL && keeper->opener == getpid())
        bm_root_close(keeper->root);
    keeper->root = NULL;
}

void
bm_keeper_drop(struct bm_keeper *keeper)
{
    if (keeper == NULL || owners_add(keeper, -1) > 0)
        return;
    root_close(keeper);
    (void)pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

void
bm_keeper_done(struct bm_keeper **keeper)
{
    bm_keeper_drop(*keeper);
    *keeper = NULL;
}

enum bm_rc
bm_keeper_take(struct bm_keeper *keeper, struct bm_root **ret_root, struct bm_fail *fail)
{
    enum bm_rc rc = BM_OK;

    (void)pthread_mutex_lock(&keeper->lock);
    if (keeper->of != NULL && keeper->root != NULL && keeper->opener != getpid()) {
        keeper->root = NULL; /* the parent's: to close it would end what the parent has open */
        keeper->signs = false;
    }
    if (keeper->root == NULL && (rc = bm_root_open(&keeper->root, keeper->uri, fail)) == BM_OK)
        keeper->opener = getpid();
    if (rc != BM_OK)
        (void)pthread_mutex_unlock(&keeper->lock);
    else
        *ret_root = keeper->root;
    return rc;
}

void
bm_keeper_give(struct bm_keeper *keeper, bool keep)
{
    keeper->signs = keeper->signs || keep;
    if (keeper->of != NULL && !keeper->signs)
        root_close(keeper);
    (void)pthread_mutex_unlock(&keeper->lock);
}
