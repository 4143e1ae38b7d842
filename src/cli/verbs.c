/* verbs.c - the table of verbs: what is not here is not there. */
#include "cli/verbs.h"

const struct bm_verb *const bm_verbs[] = {
    &bm_verb_init,         &bm_verb_serve,         &bm_verb_site_show,         &bm_verb_ca_show,
    &bm_verb_chip_create,  &bm_verb_chip_show,     &bm_verb_lot_sign,          &bm_verb_lot_inspect,
    &bm_verb_lot_receive,  &bm_verb_lot_list,      &bm_verb_lot_show,          &bm_verb_lot_reconcile,
    &bm_verb_vendor_add,   &bm_verb_vendor_list,   &bm_verb_vendor_show,       &bm_verb_vendor_retire,
    &bm_verb_order_open,   &bm_verb_order_list,    &bm_verb_order_show,        &bm_verb_profile_list,
    &bm_verb_profile_show, &bm_verb_profile_check, &bm_verb_operator_list,     &bm_verb_device_list,
    &bm_verb_device_show,  &bm_verb_identity_list, &bm_verb_identity_revoke,   &bm_verb_identity_reissue,
    &bm_verb_alarm_list,   &bm_verb_alarm_show,    &bm_verb_alarm_settle,      &bm_verb_ledger_verify,
    &bm_verb_ledger_show,  &bm_verb_ledger_prove,  &bm_verb_ledger_checkpoint, NULL,
};
