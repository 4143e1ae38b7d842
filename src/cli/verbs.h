/* verbs.h - the names of the verbs, for the one table that lists them. */
#ifndef BM_CLI_VERBS_H
#define BM_CLI_VERBS_H

#include "cli/cli.h"

extern const struct bm_verb bm_verb_init, bm_verb_serve, bm_verb_site_show, bm_verb_site_recover, bm_verb_ca_show, bm_verb_ca_ceremony,
    bm_verb_ca_make, bm_verb_ca_roll, bm_verb_ca_retire;
extern const struct bm_verb bm_verb_chip_create, bm_verb_chip_show;
extern const struct bm_verb bm_verb_lot_sign, bm_verb_lot_inspect, bm_verb_lot_receive, bm_verb_lot_list, bm_verb_lot_show;
extern const struct bm_verb bm_verb_lot_reconcile, bm_verb_lot_scrap, bm_verb_lot_withdraw, bm_verb_lot_release;
extern const struct bm_verb bm_verb_vendor_waive, bm_verb_proposal_list, bm_verb_proposal_show, bm_verb_proposal_approve;
extern const struct bm_verb bm_verb_proposal_reject;
extern const struct bm_verb bm_verb_vendor_add, bm_verb_vendor_list, bm_verb_vendor_show, bm_verb_vendor_retire;
extern const struct bm_verb bm_verb_order_open, bm_verb_order_list, bm_verb_order_show;
extern const struct bm_verb bm_verb_profile_list, bm_verb_profile_show, bm_verb_profile_check, bm_verb_profile_activate,
    bm_verb_operator_list;
extern const struct bm_verb bm_verb_operator_add, bm_verb_operator_revoke, bm_verb_operator_roles, bm_verb_operator_certify;
extern const struct bm_verb bm_verb_policy_show, bm_verb_policy_set, bm_verb_order_raise, bm_verb_order_close, bm_verb_order_balance,
    bm_verb_order_sign, bm_verb_order_submit;
extern const struct bm_verb bm_verb_station_enrol, bm_verb_station_run, bm_verb_station_list, bm_verb_station_revoke;
extern const struct bm_verb bm_verb_device_list, bm_verb_device_show;
extern const struct bm_verb bm_verb_device_suspend, bm_verb_device_resume, bm_verb_device_revoke, bm_verb_device_repair;
extern const struct bm_verb bm_verb_device_transfer, bm_verb_device_decommission;
extern const struct bm_verb bm_verb_device_support_open, bm_verb_device_support_close, bm_verb_device_support_list;
extern const struct bm_verb bm_verb_export;
extern const struct bm_verb bm_verb_identity_list, bm_verb_identity_revoke, bm_verb_identity_reissue;
extern const struct bm_verb bm_verb_alarm_list, bm_verb_alarm_show, bm_verb_alarm_settle;
extern const struct bm_verb bm_verb_ledger_verify, bm_verb_ledger_show, bm_verb_ledger_prove, bm_verb_ledger_checkpoint;

#endif
