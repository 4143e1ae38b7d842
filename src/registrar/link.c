#include "registrar/link.h"

#include <stdlib.h>
#include <unistd.h>

struct bm_link_item {
    struct bm_link_item *next;
    struct bm_message message;
    uint8_t body[];
};

void
bm_link_init(struct bm_link *link, int fd, uint64_t generation)
{
    *link = (struct bm_link){ .fd = fd, .generation = generation };
}

static void
drop_first(struct bm_link *link)
{
    struct bm_link_item *item = link->first;

    link->first = item->next;
    if (link->first == NULL)
        link->last = NULL;
    link->waiting -= item->message.body.n;
    free(item);
}

void
bm_link_close(struct bm_link *link)
{
    while (link->first != NULL)
        drop_first(link);
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
    link->generation = 0;
    link->overrun = false;
}

enum bm_rc
bm_link_queue(struct bm_link *link, uint16_t type, uint64_t id, struct bm_bytes body, struct bm_fail *fail)
{
    struct bm_link_item *item;

    if (link->overrun || link->waiting > BM_LINK_MAX) {
        link->overrun = true;
        return BM_OK;
    }
    if ((item = malloc(sizeof(*item) + body.n)) == NULL)
        return bm_fail(fail, BM_ENOMEM, NULL, "there is no memory for an answer");
    if (body.n > 0)
        memcpy(item->body, body.p, body.n);
    item->next = NULL;
    item->message = (struct bm_message){ .version = BM_MESSAGE_VERSION, .type = type, .id = id, .body = bm_bytes(item->body, body.n) };
    if (link->last == NULL)
        link->first = item;
    else
        link->last->next = item;
    link->last = item;
    link->waiting += body.n;
    return BM_OK;
}

enum bm_rc
bm_link_flush(struct bm_link *link, struct bm_fail *fail)
{
    enum bm_rc rc;
    bool sent = true;

    if (link->overrun)
        return bm_fail(fail, BM_EBUSY, NULL, "a peer does not read its answers");
    while (link->first != NULL) {
        if ((rc = bm_channel_offer(&sent, link->fd, &link->first->message, fail)) != BM_OK)
            return rc;
        if (!sent)
            return BM_OK;
        drop_first(link);
    }
    return BM_OK;
}
