/* test_statement.c - the statements: one text for one content, and only the right hand, at the right place and time, moves the signer. */
#include "kit.h"

#define KIT_HEX62 "11111111111111111111111111111111111111111111111111111111111111"

/* Any of them, read and written again. */
static enum bm_rc
again(struct bm_buf *buf, struct bm_bytes text)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    static struct bm_roles roles;
    struct bm_statement_head head;
    struct bm_policy policy;
    struct bm_raise raise;
    struct bm_recover recover;
    bm_cleanup(bm_ca_statement_done) struct bm_ca_statement ca = { .nserves = 0 };
    struct bm_activation activation;
    struct bm_allow allow;
    struct bm_pin pin;
    enum bm_rc rc;

    if ((rc = bm_statement_head_parse(&head, text, &kit_fail)) != BM_OK)
        return rc;
    switch (head.kind) {
    case BM_STATEMENT_PIN:
        if ((rc = bm_pin_parse(&head, &pin, text, &kit_fail)) == BM_OK)
            bm_pin_build(buf, &head, &pin);
        return rc;
    case BM_STATEMENT_ORDER:
        if ((rc = bm_order_parse(&head, &order, text, &kit_fail)) == BM_OK)
            bm_order_build(buf, &head, &order);
        return rc;
    case BM_STATEMENT_ALLOW:
        if ((rc = bm_allow_parse(&head, &allow, text, &kit_fail)) == BM_OK)
            bm_allow_build(buf, &head, &allow);
        return rc;
    case BM_STATEMENT_ROLES:
        if ((rc = bm_roles_parse(&head, &roles, text, &kit_fail)) == BM_OK)
            bm_roles_build(buf, &head, &roles);
        return rc;
    case BM_STATEMENT_POLICY:
        if ((rc = bm_policy_parse(&head, &policy, text, &kit_fail)) == BM_OK)
            bm_policy_build(buf, &head, &policy);
        return rc;
    case BM_STATEMENT_CA:
        if ((rc = bm_ca_statement_parse(&head, &ca, text, &kit_fail)) == BM_OK)
            bm_ca_statement_build(buf, &head, &ca);
        return rc;
    case BM_STATEMENT_RAISE:
        if ((rc = bm_raise_parse(&head, &raise, text, &kit_fail)) == BM_OK)
            bm_raise_build(buf, &head, &raise);
        return rc;
    case BM_STATEMENT_PROFILE:
        if ((rc = bm_activation_parse(&head, &activation, text, &kit_fail)) == BM_OK)
            bm_activation_build(buf, &head, &activation);
        return rc;
    case BM_STATEMENT_RECOVER:
        if ((rc = bm_recover_parse(&head, &recover, text, &kit_fail)) == BM_OK)
            bm_recover_build(buf, &head, &recover);
        return rc;
    case BM_STATEMENT__N:
        break;
    }
    return BM_EBUG;
}

#define PIN_BODY \
    "lot EX-001\nvendor Example Silicon\nsource birthmark\nkind keys\nsize 16\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX "\n"
#define REVISED(n) "lot L\nvendor V\nsource ek\nrevision " n "\nkind keys\nsize 1\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
#define WAIVE(check) "act waive\nvendor Example Silicon\ncheck " check "\nuntil 2027-06-30T00:00:00Z\nreason labels collide, ticket 12\n"
#define ORDER_BODY                                                                                                     \
    "order O-1\nlot EX-001\nlot EX-002\nprofile gateway-1 " KIT_HEX "\nquantity 12\nfrom 2026-11-23T00:00:00Z\nuntil " \
    "2027-11-23T00:00:00Z\n"
#define ALLOW_BODY "act reissue\ndevice 0123456789abcdef0123\nservice mqtt\nreason the board was repaired, ticket 4711\n"

static bool
is_policy(struct bm_bytes text)
{
    return memmem(text.p, text.n, "/policy/", 8) != NULL;
}

static void
good_texts_come_out_as_they_went_in(void **state)
{
    bm_cleanup(bm_buf_done) struct bm_buf roles = { .max = BM_MAX_STATEMENT }, pin = { .max = BM_MAX_STATEMENT };
    struct bm_statement_head head;
    const char *texts[] = {
        NULL,
        NULL,
        KIT_HEAD("pin", "carl") "lot EX-001\nvendor Microchip\nsource microchip\nkind keys\nsize 10\nroot " KIT_HEX "\nfile " KIT_HEX
                                "\nreceipt " KIT_HEX "\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nwaived id-twice " KIT_NUMBER "\nwaived roca " KIT_NUMBER "\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nek-root 00" KIT_HEX62 "\nek-root 01" KIT_HEX62 "\n",
        KIT_PROPOSAL("allow", "carl") WAIVE("id-twice"),
        KIT_PROPOSAL("allow", "carl") "act release\nlot EX-001\nreason the other list was wrong\n",
        KIT_HEAD("order", "paul") ORDER_BODY,
        KIT_PROPOSAL("order", "paul") ORDER_BODY, /* what one person may, two may too */
        KIT_PROPOSAL("allow", "fred") ALLOW_BODY,
        KIT_HEAD("order", "paul") "order O-1\nlot L\nprofile p " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O-1\nlot L\nprofile p " KIT_HEX "\nstation line-1 " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O-1\nproduct GW\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 5\ntls-front 2\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("allow", "fred") ALLOW_BODY,
        KIT_HEAD("order", "paul") "order O-1\nlot L\nprofile p " KIT_HEX "\nquantity 9\nunits " KIT_HEX
                                  "\nserials GW-%06d\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("raise", "paul") "order O-1\nquantity 20\n",
        KIT_PROPOSAL(
            "ca", "anna") "act make\nca meters-1\nclass operational\nreplaces operational\nlot EX-001\nlot EX-002\nproduct P\ncertificate "
                          "MAA=\n",
        KIT_HEAD("ca", "anna") "act make\nca all-2\nclass idevid\ncertificate MAA=\n",
        KIT_HEAD("ca", "anna") "act retire\nca meters-1\n",
        KIT_PROPOSAL("ca", "anna") "act root\ncertificate MAA=\nnew-with-old MAAA\nold-with-new MAAA\n",
        KIT_HEAD("activation", "anna") "profile gateway-2 " KIT_HEX "\nversion 3\n",
        KIT_HEAD("recover", "anna") "store 0\nreason disk replaced\n",
        KIT_PROPOSAL("activation", "anna") "profile gateway-2 " KIT_HEX "\nversion 3\n",
        KIT_HEAD("policy", "anna") "two order\ntwo pin\ntwo policy\n",
        KIT_PROPOSAL("policy", "anna"),
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep -\nreason M\xc3\xbcller\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep none\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep 40ff\nreason r\n",
        KIT_HEAD("allow", "fred") "act repair\ndevice 0123456789abcdef0123\nchip " KIT_HEX "\nreason r\n",
        KIT_HEAD("allow", "fred") "act transfer\ndevice 0123456789abcdef0123\nowner Acme Water\nreason r\n",
        KIT_HEAD("allow", "anna") "act support\ndevice 0123456789abcdef0123\nprofile support " KIT_HEX
                                  "\nticket T-91\nhours 72\nreason r\n",
    };

    (void)state;
    kit_head(&head, "anna");
    bm_roles_build(&roles, &head, &kit_roles);
    bm_buf_add_u8(&roles, 0);
    texts[0] = (const char *)roles.p;
    bm_buf_add_str(&pin, KIT_HEAD("pin", "carl") PIN_BODY "vendor-key ");
    bm_note_vkey_build(&pin, &kit_signers[0].key);
    bm_buf_add(&pin, "\n", 2);
    texts[1] = (const char *)pin.p;
    for (size_t i = 0; i < BM_COUNT(texts); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_STATEMENT };
        struct bm_bytes text = bm_bytes_str(texts[i]);

        assert_ok(again(&out, text));
        assert_true(bm_bytes_equal(bm_buf_bytes(&out), text));
        assert_true(bm_note_text_ok(text));
        for (size_t n = 0; n < text.n; n++)
            /* a list of operators that ends earlier is a list too: the signature says which it was */
            /* and so is a pin with fewer waivers or roots, or a policy of fewer acts */
            if (again(&out, bm_bytes(text.p, n)) != BM_EINPUT &&
                ((i != 0 && i != 3 && i != 4 && !is_policy(text)) || text.p[n - 1] != '\n'))
                fail_msg("text %zu cut to %zu bytes was read", i, n);
    }
}

static void
what_was_read_is_what_was_said(void **state)
{
    bm_cleanup(bm_order_done) struct bm_order order = { .nlots = 0 };
    struct bm_statement_head head;
    struct bm_allow allow;

    (void)state;
    assert_ok(bm_order_parse(&head, &order, bm_bytes_str(KIT_HEAD("order", "paul") ORDER_BODY), &kit_fail));
    assert_int_equal(head.kind, BM_STATEMENT_ORDER);
    assert_int_equal(head.seq, 7);
    assert_int_equal(head.time, 1795469649);
    assert_int_equal(head.site[31], 0x9f);
    assert_string_equal(head.by, "paul");
    assert_string_equal(order.order, "O-1");
    assert_int_equal(order.nlots, 2);
    assert_string_equal(order.lots[1], "EX-002");
    assert_int_equal(order.nprofiles, 1);
    assert_string_equal(order.profiles[0].name, "gateway-1");
    assert_int_equal(order.profiles[0].digest[0], 0xab);
    assert_int_equal(order.quantity, 12);
    assert_int_equal(order.until - order.from, 365 * 86400);
    assert_ok(bm_allow_parse(&head, &allow, bm_bytes_str(KIT_HEAD("allow", "fred") ALLOW_BODY), &kit_fail));
    assert_int_equal(allow.act, BM_ALLOW_REISSUE);
    assert_string_equal(allow.device, "0123456789abcdef0123");
    assert_string_equal(allow.service, "mqtt");
}

static void
other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "birthmark/pin/v2\n",
        KIT_HEAD("pin", "carl"),
        KIT_HEAD("pin", "carl") PIN_BODY, /* our own format wants the chipmaker's key */
        KIT_HEAD("pin", "carl") PIN_BODY "vendor-key anna\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource microchip\nkind keys\nsize 0\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
                                "\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource microchip\nkind keys\nsize 1000001\nroot " KIT_HEX "\nfile " KIT_HEX
                                "\nreceipt " KIT_HEX "\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource microchip\nkind both\nsize 1\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
                                "\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource elsewhere\nkind keys\nsize 1\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
                                "\n",
        KIT_HEAD("pin", "carl") "vendor V\nlot L\nsource microchip\nkind keys\nsize 1\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
                                "\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource microchip\nkind keys\nsize 1\nroot " KIT_HEX "\nfile " KIT_HEX "\nreceipt " KIT_HEX
                                "\n\n",
        KIT_HEAD("pin", "carl") "lot L\nvendor V\nsource ek\nkind keys\nsize 1\nroot " KIT_HEX "\n", /* of which file, on which receipt? */
        KIT_HEAD("pin", "carl") REVISED("1") "\n",
        KIT_HEAD("pin", "carl") REVISED("02") "\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nek-root 01" KIT_HEX62 "\nek-root 00" KIT_HEX62 "\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nek-root 01" KIT_HEX62 "\nek-root 01" KIT_HEX62 "\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nek-root 01\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nwaived id-twice\n",
        KIT_HEAD("pin", "carl") REVISED("2") "\nwaived id-twice " KIT_NUMBER "\nwaived id-twice " KIT_NUMBER "\n",
        KIT_HEAD("allow", "carl") WAIVE("id-twice"), /* two persons' */
        KIT_HEAD("allow", "carl") "act release\nlot EX-001\nreason r\n",
        KIT_PROPOSAL("allow", "carl") WAIVE("signature"),
        KIT_PROPOSAL("allow", "carl") WAIVE("key"),
        KIT_PROPOSAL("allow", "carl") WAIVE("unsigned"),
        KIT_PROPOSAL("allow", "carl") WAIVE("whatever"),
        KIT_PROPOSAL("allow", "carl") "act waive\nvendor V\ncheck roca\nuntil 9999-12-31T23:59:59Z\nreason r\n",
        KIT_PROPOSAL("allow", "carl") "act waive\nvendor V\ncheck roca\nuntil never\nreason r\n",
        KIT_EXPIRING("allow", "carl", "2026-11-23T21:34:08Z") WAIVE("id-twice"),
        KIT_EXPIRING("allow", "carl", "2026-12-23T21:34:10Z") WAIVE("id-twice"),
        KIT_HEAD("order", "paul") "order O\nprofile p " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nproduct -x\nlot L\nprofile p " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nproduct a\nproduct b\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 1\ntls-front 0\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 10\nserials GW-%01d\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 1\nserials GW-%d\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nquantity 1\nserials GW-%01d\nunits " KIT_HEX
                                  "\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nlot L\nprofile p " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nprofile p " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nstation a\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nstation a " KIT_HEX "\nstation b " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n", /* one key, two names */
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p  " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nquantity 0\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nquantity 01\nfrom 2026-11-23T00:00:00Z\nuntil never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil Never\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil 9999-12-31T23:59:59Z\n",
        KIT_HEAD("order", "paul") "order O\nlot L\nprofile p " KIT_HEX
                                  "\nquantity 1\nfrom 2026-11-23T00:00:00Z\nuntil 2026-11-22T00:00:00Z\n",
        KIT_HEAD("allow", "fred") "act mint\ndevice 0123456789abcdef0123\nservice -\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789ABCDEF0123\nkeep -\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nservice -\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep 40FF\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep 40f\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep all\nreason r\n",
        KIT_HEAD("allow", "fred") "act repair\ndevice 0123456789abcdef0123\nchip 40ff\nreason r\n",
        KIT_HEAD("allow", "fred") "act transfer\ndevice 0123456789abcdef0123\nowner \nreason r\n",
        KIT_HEAD("allow", "anna") "act support\ndevice 0123456789abcdef0123\nprofile support " KIT_HEX
                                  "\nticket T-91\nhours 73\nreason r\n",
        KIT_HEAD("allow", "anna") "act support\ndevice 0123456789abcdef0123\nprofile support " KIT_HEX "\nticket T 91\nhours 8\nreason r\n",
        KIT_HEAD("allow", "anna") "act support\ndevice 0123456789abcdef0123\nprofile support\nticket T-91\nhours 8\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef01\nkeep -\nreason r\n",
        KIT_HEAD("allow", "fred") "act reissue\ndevice 0123456789abcdef0123\nservice --\nreason r\n",
        KIT_HEAD("allow", "fred") "act resume\ndevice 0123456789abcdef0123\nkeep -\n",
        KIT_HEAD("policy", "anna") "two pin\ntwo order\n", /* out of order */
        KIT_HEAD("policy", "anna") "two pin\ntwo pin\n",
        KIT_HEAD("policy", "anna") "two waive\n",  /* always takes two */
        KIT_HEAD("policy", "anna") "two revoke\n", /* only takes away */
        KIT_HEAD("policy", "anna") "two recover\n",
        KIT_HEAD("policy", "anna") "two everything\n",
        KIT_HEAD("raise", "paul") "order O-1\nquantity 0\n",
        KIT_PROPOSAL("recover", "anna") "store 0\nreason disk replaced\n",
        KIT_HEAD("recover", "anna") "store 0\n",
        KIT_HEAD("recover", "anna") "store -1\nreason disk replaced\n",
        KIT_HEAD("activation", "anna") "profile gateway-2\nversion 3\n",
        KIT_HEAD("activation", "anna") "profile gateway-2 " KIT_HEX "\nversion 0\n",
        KIT_HEAD("activation", "anna") "profile gateway-2 " KIT_HEX "\n",
        KIT_HEAD("activation", "anna") "version 3\nprofile gateway-2 " KIT_HEX "\n",
        KIT_HEAD("raise", "paul") "quantity 5\n",
        KIT_HEAD("roles", "anna"),
        KIT_HEAD("roles", "anna") "base " KIT_HEX "\noperator anna officer\n",
        KIT_HEAD("roles", "anna") "base 00\n",
    };

    (void)state;
    for (size_t i = 0; i < BM_COUNT(bad); i++) {
        bm_cleanup(bm_buf_done) struct bm_buf out = { .max = BM_MAX_STATEMENT };

        if (again(&out, bm_bytes_str(bad[i])) != BM_EINPUT)
            fail_msg("text %zu was read", i);
    }
}

static void
roles_without_an_officer_or_with_one_key_twice_are_refused(void **state)
{
    static struct bm_roles bad, read;
    struct bm_statement_head head;

    (void)state;
    kit_head(&head, "anna");
    for (int i = 0; i < 3; i++) {
        bm_cleanup(bm_buf_done) struct bm_buf text = { .max = BM_MAX_STATEMENT };

        bad = kit_roles;
        if (i == 0)
            bad.operators[0].role = BM_ROLE_OPERATOR;
        else if (i == 1)
            bad.operators[1].key = bad.operators[0].key;
        else
            memcpy(bad.operators[1].name, "anna", 5);
        bm_roles_build(&text, &head, &bad);
        assert_refused(BM_EINPUT, bm_roles_parse(&head, &read, bm_buf_bytes(&text), &kit_fail),
                       i == 0 ? "roles: line 10 ends a list without an officer: nobody could change it again"
                              : "roles: line 8 has an operator's name or key that is there already");
    }
}

/* ---- who may ---- */

static void
sign_text(struct bm_buf *note, const char *text, size_t who)
{
    const struct bm_note_signer *signer = &kit_signers[who];

    assert_ok(bm_note_build(note, bm_bytes_str(text), &signer, 1, &kit_fail));
}

static enum bm_rc
check(const char *text, struct bm_buf *note, uint8_t site_byte, uint64_t seq, const struct bm_operator **ret_by)
{
    static const enum bm_act acts[] = { [BM_STATEMENT_PIN] = BM_ACT_PIN,
                                        [BM_STATEMENT_ORDER] = BM_ACT_ORDER,
                                        [BM_STATEMENT_ALLOW] = BM_ACT_REISSUE,
                                        [BM_STATEMENT_ROLES] = BM_ACT_ROLES };
    struct bm_statement_head head;
    struct bm_signed who;
    uint8_t site[BM_HASH];
    enum bm_rc rc;

    memset(site, site_byte, sizeof(site));
    assert_ok(bm_statement_head_parse(&head, bm_bytes_str(text), &kit_fail));
    rc = bm_statement_check(&head, bm_buf_bytes(note), acts[head.kind], &kit_roles, site, seq, &who, &kit_fail);
    assert_int_equal(who.barred, rc == BM_EPOLICY && strstr(kit_fail.text, "may not sign") != NULL);
    if (rc == BM_OK)
        *ret_by = who.by;
    return rc;
}

/* Row: kind; column: who. The table of the design: officer all; custodian pin; planner order; operator allow. */
static void
each_role_signs_what_it_may_and_nothing_else(void **state)
{
    static const char *const kinds[] = { "pin", "order", "allow", "roles" }, *const people[] = { "anna", "carl", "paul", "fred" };
    static const char may[4][5] = { "yy..", "y.y.", "y..y", "y..." };

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t who = 0; who < 4; who++) {
            bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
            const struct bm_operator *by = NULL;
            char text[512];

            (void)snprintf(text, sizeof(text), "birthmark/%s/v1\nsite " KIT_SITE "\nseq 7\ntime 2026-11-23T21:34:09Z\nby %s\n", kinds[kind],
                           people[who]);
            sign_text(&note, text, who);
            assert_rc(may[kind][who] == 'y' ? BM_OK : BM_EPOLICY, check(text, &note, 0x9f, 7, &by));
            if (may[kind][who] == 'y')
                assert_string_equal(by->name, people[who]);
            else
                assert_null(by);
        }
    }
    assert_string_equal(kit_fail.text, "fred is operator here and may not sign this roles: see who may with birthmark operator roles");
}

static void
neither_moved_nor_replayed_nor_early(void **state)
{
    static const char text[] = KIT_HEAD("order", "paul") ORDER_BODY;
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct bm_operator *by = NULL;

    (void)state;
    sign_text(&note, text, 2);
    assert_ok(check(text, &note, 0x9f, 7, &by));
    assert_refused(BM_EPOLICY, check(text, &note, 0x9e, 7, &by), "this order was signed for another site: make it here");
    assert_refused(BM_EPOLICY, check(text, &note, 0x9f, 8, &by),
                   "this order has number 7, which was used before: a statement is taken once, and the next has number 8");
    assert_refused(BM_EPOLICY, check(text, &note, 0x9f, 6, &by), "this order has number 7 and the next is 6: hand in what comes before it");
}

static void
forged_signatures_are_refused(void **state)
{
    static const char text[] = KIT_HEAD("order", "paul") ORDER_BODY, by_eve[] = KIT_HEAD("order", "eve") ORDER_BODY;
    bm_cleanup(bm_buf_done) struct bm_buf by_carl = { .max = BM_MAX_NOTE }, changed = { .max = BM_MAX_NOTE },
                                          unknown = { .max = BM_MAX_NOTE }, twin = { .max = BM_MAX_NOTE };
    const struct bm_operator *by = NULL;
    const struct bm_note_signer *signers[1];
    struct bm_note_signer eve;
    uint8_t seed[BM_NOTE_KEY] = { 66 };

    (void)state;
    sign_text(&by_carl, text, 1); /* says paul, signed by carl */
    assert_refused(BM_EPOLICY, check(text, &by_carl, 0x9f, 7, &by), "this order says that it is by paul, whose signature is not on it");
    sign_text(&unknown, by_eve, 2);
    assert_refused(BM_EPOLICY, check(by_eve, &unknown, 0x9f, 7, &by), "this order is by eve, who is no operator of this site");
    assert_ok(bm_note_signer_init(&eve, "paul", seed, &kit_fail)); /* paul's name, another key */
    signers[0] = &eve;
    assert_ok(bm_note_build(&twin, bm_bytes_str(text), signers, 1, &kit_fail));
    assert_rc(BM_EPOLICY, check(text, &twin, 0x9f, 7, &by));
    sign_text(&changed, text, 2);
    memcpy((uint8_t *)memmem(changed.p, changed.n, "quantity 12", 11), "quantity 99", 11);
    assert_refused(BM_EPOLICY, check(text, &changed, 0x9f, 7, &by),
                   "the signature of paul on this order does not verify: it was changed after it was signed");
    assert_null(by);
    /* another statement's head beside this note is a mistake of ours */
    memcpy((uint8_t *)memmem(changed.p, changed.n, "seq 7", 5), "seq 8", 5);
    assert_rc(BM_EBUG, check(text, &changed, 0x9f, 7, &by));
}

/* ---- two persons ---- */

#define NOW 1795469649

static enum bm_rc
propose(const char *text, const size_t *who, size_t n, bm_time now, const struct bm_operator **ret_by,
        const struct bm_operator **ret_second)
{
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct bm_note_signer *signers[4];
    struct bm_statement_head head;
    struct bm_signed by;
    uint8_t site[BM_HASH];
    enum bm_rc rc;

    memset(site, 0x9f, sizeof(site));
    for (size_t i = 0; i < n; i++)
        signers[i] = &kit_signers[who[i]];
    assert_ok(bm_note_build(&note, bm_bytes_str(text), signers, n, &kit_fail));
    assert_ok(bm_statement_head_parse(&head, bm_bytes_str(text), &kit_fail));
    rc = bm_proposal_check(&head, bm_buf_bytes(&note), BM_ACT_WAIVE, &kit_roles, site, now, &by, &kit_fail);
    assert_int_equal(by.barred, rc == BM_EPOLICY && strstr(kit_fail.text, "may not") != NULL);
    if (rc == BM_OK) {
        *ret_by = by.by;
        *ret_second = by.second;
    }
    return rc;
}

static void
two_persons_sign_a_proposal(void **state)
{
    static const char text[] = KIT_PROPOSAL("allow", "carl") WAIVE("id-twice");
    static const size_t both[] = { 1, 0 }, with_paul[] = { 1, 2 }, without_carl[] = { 0, 3 };
    const struct bm_operator *by = NULL, *second = NULL;

    (void)state;
    assert_ok(propose(text, both, 2, NOW, &by, &second));
    assert_string_equal(by->name, "carl");
    assert_string_equal(second->name, "anna");
    second = NULL;
    assert_refused(BM_EPOLICY, propose(text, both, 1, NOW, &by, &second),
                   "this proposal has the signature of carl only, and nobody approves their own proposal: a second person must approve it");
    assert_refused(BM_EPOLICY, propose(text, with_paul, 2, NOW, &by, &second),
                   "paul is planner here and may not approve this proposal: see who may with birthmark operator roles");
    assert_refused(BM_EPOLICY, propose(text, without_carl, 2, NOW, &by, &second),
                   "this allow says that it is by carl, whose signature is not on it");
    assert_refused(BM_EPOLICY, propose(KIT_HEAD("allow", "anna") ALLOW_BODY, without_carl, 2, NOW, &by, &second),
                   "this allow has a seq and is no proposal: hand it in as a statement");
    assert_null(second);
}

/* A policy that names anything protects itself; one nobody could keep is refused; taking somebody off the list is no change to it. */
static void
a_policy_protects_itself(void **state)
{
    const struct bm_policy none = { .two = 0 }, orders = { .two = 1u << BM_ACT_ORDER }, resumes = { .two = 1u << BM_ACT_RESUME };
    static struct bm_roles one, fewer;

    (void)state;
    one.noperators = 1;
    one.operators[0] = kit_roles.operators[0];
    assert_true(bm_policy_two(&none, &one, BM_ACT_WAIVE));
    assert_false(bm_policy_two(&none, &one, BM_ACT_ROLES));
    assert_false(bm_policy_two(&none, &one, BM_ACT_POLICY)); /* one person alone: who else? */
    assert_true(bm_policy_two(&none, &kit_roles, BM_ACT_POLICY));
    assert_false(bm_policy_two(&none, &kit_roles, BM_ACT_ROLES));
    assert_true(bm_policy_two(&orders, &kit_roles, BM_ACT_ORDER) && bm_policy_two(&orders, &kit_roles, BM_ACT_ROLES));
    assert_false(bm_policy_two(&orders, &kit_roles, BM_ACT_PIN));
    assert_ok(bm_policy_check(&none, &one, &kit_fail));
    assert_ok(bm_policy_check(&orders, &kit_roles, &kit_fail));
    assert_refused(BM_EPOLICY, bm_policy_check(&resumes, &one, &kit_fail),
                   "to end a suspension would take two persons, and fewer than two of these operators may: add another one first");
    fewer = kit_roles;
    fewer.noperators--;
    assert_true(bm_roles_only_fewer(&fewer, &kit_roles));
    assert_false(bm_roles_only_fewer(&kit_roles, &kit_roles));
    assert_false(bm_roles_only_fewer(&kit_roles, &fewer));
    fewer.operators[1].role = BM_ROLE_OFFICER; /* nobody is left out and somebody raised by the way */
    assert_false(bm_roles_only_fewer(&fewer, &kit_roles));
    fewer.operators[1] = kit_roles.operators[1];
    fewer.operators[1].key = kit_roles.operators[3].key;
    assert_false(bm_roles_only_fewer(&fewer, &kit_roles));
}

static void
a_proposal_expires(void **state)
{
    static const char text[] = KIT_PROPOSAL("allow", "carl") WAIVE("id-twice");
    static const size_t both[] = { 1, 0 };
    const struct bm_operator *by = NULL, *second = NULL;

    (void)state;
    assert_ok(propose(text, both, 2, NOW + 30 * 86400, &by, &second));
    assert_refused(BM_EPOLICY, propose(text, both, 2, NOW + 30 * 86400 + 1, &by, &second),
                   "this proposal expired at 2026-12-23T21:34:09Z: make it again");
    assert_ok(propose(text, both, 2, NOW - 86400, &by, &second));
    assert_rc(BM_EPOLICY, propose(text, both, 2, NOW - 86401, &by, &second)); /* dated ahead, to live longer */
}

/* Alone, a proposal's text is nobody's order. */
static void
a_proposal_is_no_statement(void **state)
{
    static const char text[] = KIT_PROPOSAL("allow", "anna") WAIVE("id-twice");
    bm_cleanup(bm_buf_done) struct bm_buf note = { .max = BM_MAX_NOTE };
    const struct bm_operator *by = NULL;

    (void)state;
    sign_text(&note, text, 0);
    assert_refused(BM_EPOLICY, check(text, &note, 0x9f, 7, &by),
                   "this allow is a proposal: it needs a second person, see birthmark proposal approve");
}

static int
people(void **state)
{
    (void)state;
    kit_people();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_come_out_as_they_went_in),
        cmocka_unit_test(what_was_read_is_what_was_said),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(roles_without_an_officer_or_with_one_key_twice_are_refused),
        cmocka_unit_test(each_role_signs_what_it_may_and_nothing_else),
        cmocka_unit_test(neither_moved_nor_replayed_nor_early),
        cmocka_unit_test(forged_signatures_are_refused),
        cmocka_unit_test(two_persons_sign_a_proposal),
        cmocka_unit_test(a_policy_protects_itself),
        cmocka_unit_test(a_proposal_expires),
        cmocka_unit_test(a_proposal_is_no_statement),
    };

    return cmocka_run_group_tests(tests, people, NULL);
}
