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

/* The first revision has no line: one text for one content. */
static void
revision_take(struct bm_pin *pin, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;

    pin->revision = 1;
    if (!bm_lines_have(lines, "revision", &value))
        return;
    *lines = before;
    pin->revision = bm_lines_u64(lines, "revision", 2, INT64_MAX);
}

/* CHECK HEX: what failed, and the number of the waiver that lets it. */
static bool
waived_read(struct bm_pin_waived *ret, struct bm_bytes value)
{
    struct bm_bytes check = bm_word_take(&value);
    char hex[2 * BM_PROPOSAL + 1];
    struct bm_fail ignored;

    if (!bm_word_name(ret->check, check) || bm_hex_parse(ret->proposal, BM_PROPOSAL, value, &ignored) != BM_OK)
        return false;
    bm_hex(hex, bm_bytes(ret->proposal, BM_PROPOSAL));
    return bm_bytes_equal(value, bm_bytes_str(hex)); /* lower case */
}

static bool
waived_known(const struct bm_pin *pin, const char *check)
{
    for (size_t i = 0; i < pin->nwaived; i++)
        if (strcmp(pin->waived[i].check, check) == 0)
            return true;
    return false;
}

static void
waived_take(struct bm_pin *pin, struct bm_lines *lines)
{
    struct bm_pin_waived waived;
    struct bm_bytes value;

    while (bm_lines_have(lines, "waived", &value)) {
        if (!waived_read(&waived, value))
            bm_statement_refuse(lines, "must hold a check and the number of its waiver in lower-case hexadecimal");
        else if (waived_known(pin, waived.check))
            bm_statement_refuse(lines, "names a check that is there already");
        else if (pin->nwaived == BM_MAX_PIN_WAIVED)
            bm_statement_refuse(lines, "is one waiver too many: a pin names at most 8");
        else
            pin->waived[pin->nwaived++] = waived;
    }
}

/* Ascending, so that one set has one text. */
static void
ek_roots_take(struct bm_pin *pin, struct bm_lines *lines)
{
    struct bm_lines before = *lines;
    struct bm_bytes value;
    uint8_t root[BM_HASH];

    while (bm_lines_have(lines, "ek-root", &value)) {
        *lines = before;
        bm_lines_hex(lines, "ek-root", root, BM_HASH);
        if (pin->nek_roots == BM_MAX_PIN_EK_ROOTS)
            bm_statement_refuse(lines, "is one root too many: a pin names at most 64");
        else if (pin->nek_roots > 0 && memcmp(pin->ek_roots[pin->nek_roots - 1], root, BM_HASH) >= 0)
            bm_statement_refuse(lines, "is repeated or out of order");
        else
            memcpy(pin->ek_roots[pin->nek_roots++], root, BM_HASH);
        before = *lines;
    }
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
    revision_take(pin, lines);
    value = bm_lines_want(lines, "kind");
    if (!lines->bad && bm_leaf_kind_parse(&pin->kind, value, &ignored) != BM_OK)
        bm_statement_refuse(lines, "must be the kind of the lot: keys or id");
    pin->size = bm_lines_u64(lines, "size", 1, BM_MAX_LOT_CHIPS);
    bm_lines_hex(lines, "root", pin->root, BM_HASH);
    bm_lines_hex(lines, "file", pin->file, BM_HASH);
    bm_lines_hex(lines, "receipt", pin->receipt, BM_HASH);
    waived_take(pin, lines);
    ek_roots_take(pin, lines);
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
    char root[2 * BM_HASH + 1], file[2 * BM_HASH + 1], receipt[2 * BM_HASH + 1], waiver[2 * BM_PROPOSAL + 1];

    bm_hex(file, bm_bytes(pin->file, BM_HASH));
    bm_hex(receipt, bm_bytes(pin->receipt, BM_HASH));
    bm_hex(root, bm_bytes(pin->root, BM_HASH));
    bm_statement_head_build(buf, BM_STATEMENT_PIN, head);
    bm_lines_add(buf, "lot", pin->lot);
    bm_lines_add(buf, "vendor", pin->vendor);
    bm_lines_add(buf, "source", bm_lot_source_word(pin->source));
    if (pin->revision > 1)
        bm_buf_add_fmt(buf, "revision %llu\n", (unsigned long long)pin->revision);
    bm_lines_add(buf, "kind", bm_leaf_kind_word(pin->kind));
    bm_buf_add_fmt(buf, "size %llu\n", (unsigned long long)pin->size);
    bm_lines_add(buf, "root", root);
    bm_lines_add(buf, "file", file);
    bm_lines_add(buf, "receipt", receipt);
    for (size_t i = 0; i < pin->nwaived; i++) {
        bm_hex(waiver, bm_bytes(pin->waived[i].proposal, BM_PROPOSAL));
        bm_buf_add_fmt(buf, "waived %s %s\n", pin->waived[i].check, waiver);
    }
    for (size_t i = 0; i < pin->nek_roots; i++) {
        bm_hex(root, bm_bytes(pin->ek_roots[i], BM_HASH));
        bm_lines_add(buf, "ek-root", root);
    }
    if (pin->source == BM_SOURCE_BIRTHMARK)
        bm_lines_add(buf, "vendor-key", pin->vendor_key);
}
