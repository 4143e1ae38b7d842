#include "record/parts.h"

#include "wire/text.h"

static const char *const sources[] = { [0] = "",
                                       [BM_SOURCE_BIRTHMARK] = "birthmark",
                                       [BM_SOURCE_MICROCHIP] = "microchip",
                                       [BM_SOURCE_INFINEON] = "infineon",
                                       [BM_SOURCE_EK] = "ek",
                                       [BM_SOURCE_CSV] = "csv" };
_Static_assert(sizeof(((struct bm_pin *)0)->vendor_key) > BM_NOTE_VKEY, "a key's line fits");

const char *
bm_lot_source_word(enum bm_lot_source source)
{
    return source >= BM_SOURCE_BIRTHMARK && source <= BM_SOURCE_CSV ? sources[source] : "unknown";
}

/* Kept as text, since that is what was signed; a text that is not the only one for its key is refused. */
static void
vendor_key_take(struct bm_pin *pin, struct bm_lines *lines)
{
    bm_cleanup(bm_buf_done) struct bm_buf again = { .max = BM_NOTE_VKEY };
    struct bm_bytes text = bm_lines_want(lines, "vendor-key");
    struct bm_note_key key;

    if (lines->bad)
        return;
    if (bm_note_vkey_parse(&key, text, lines->fail) == BM_OK)
        bm_note_vkey_build(&again, &key);
    if (!bm_bytes_equal(bm_buf_bytes(&again), text)) {
        bm_statement_refuse(lines, "must be the chipmaker's key: NAME+ID+KEY on one line");
        return;
    }
    memcpy(pin->vendor_key, text.p, text.n);
    pin->vendor_key[text.n] = 0;
}

static void
body_take(struct bm_pin *pin, struct bm_lines *lines)
{
    struct bm_fail ignored;
    struct bm_bytes value;

    bm_lines_name(lines, "lot", pin->lot, BM_MAX_NAME);
    value = bm_lines_want(lines, "vendor");
    if (value.n > BM_MAX_NAME)
        bm_statement_refuse(lines, "is too long: a vendor's name has at most 64 bytes");
    else if (!lines->bad)
        memcpy(pin->vendor, value.p, value.n);
    value = bm_lines_want(lines, "source");
    pin->source = (enum bm_lot_source)bm_word_find(sources, BM_COUNT(sources), value);
    if ((size_t)pin->source == 0)
        bm_statement_refuse(lines, "must be a source: birthmark, microchip, infineon, ek or csv");
    value = bm_lines_want(lines, "kind");
    if (!lines->bad && bm_leaf_kind_parse(&pin->kind, value, &ignored) != BM_OK)
        bm_statement_refuse(lines, "must be the kind of the lot: keys or id");
    pin->size = bm_lines_u64(lines, "size", 1, BM_MAX_LOT_CHIPS);
    bm_lines_hex(lines, "root", pin->root, BM_HASH);
    if (pin->source == BM_SOURCE_BIRTHMARK)
        vendor_key_take(pin, lines);
}

enum bm_rc
bm_pin_parse(struct bm_statement_head *ret_head, struct bm_pin *ret_pin, struct bm_bytes text, struct bm_fail *fail)
{
    struct bm_statement_head head = { .seq = 0 };
    struct bm_lines lines = bm_statement_open(&head, BM_STATEMENT_PIN, text, fail);
    struct bm_pin pin = { .size = 0 };
    enum bm_rc rc;

    body_take(&pin, &lines);
    if ((rc = bm_lines_close(&lines)) != BM_OK)
        return rc;
    *ret_head = head;
    *ret_pin = pin;
    return BM_OK;
}

void
bm_pin_build(struct bm_buf *buf, const struct bm_statement_head *head, const struct bm_pin *pin)
{
    char root[2 * BM_HASH + 1];

    bm_hex(root, bm_bytes(pin->root, BM_HASH));
    bm_statement_head_build(buf, BM_STATEMENT_PIN, head);
    bm_lines_add(buf, "lot", pin->lot);
    bm_lines_add(buf, "vendor", pin->vendor);
    bm_lines_add(buf, "source", bm_lot_source_word(pin->source));
    bm_lines_add(buf, "kind", bm_leaf_kind_word(pin->kind));
    bm_buf_add_fmt(buf, "size %llu\n", (unsigned long long)pin->size);
    bm_lines_add(buf, "root", root);
    if (pin->source == BM_SOURCE_BIRTHMARK)
        bm_lines_add(buf, "vendor-key", pin->vendor_key);
}
