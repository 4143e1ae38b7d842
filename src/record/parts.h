/* parts.h - what the texts of this room have in common: first lines, the words inside a line, operators, who may sign. Of this room only. */
#ifndef BM_PARTS_H
#define BM_PARTS_H

#include "record/statement.h"
#include "wire/lines.h"

struct bm_statement_form {
    const char *first; /* the first line */
    const char *word;
};
extern const struct bm_statement_form bm_statement_forms[BM_STATEMENT__N];

/* Takes the head's lines; the returned lines stand at the first line of the body, or are bad. */
struct bm_lines bm_statement_open(struct bm_statement_head *ret_head, enum bm_statement_kind kind, struct bm_bytes text,
                                  struct bm_fail *fail);
void bm_statement_head_build(struct bm_buf *buf, enum bm_statement_kind kind, const struct bm_statement_head *head);
/* What always needs two persons comes as a proposal, the rest in either form: which one a site wants is its own to decide. */
void bm_statement_place_want(struct bm_lines *lines, const struct bm_statement_head *head, enum bm_act act);
/* Makes the lines bad: "order: line 7 WHY". Of two reasons the first stays. */
void bm_statement_refuse(struct bm_lines *lines, const char *why);

/* A value of several words with one space between them: takes the first. An empty word is nobody's: names and numbers refuse it. */
struct bm_bytes bm_word_take(struct bm_bytes *rest);
bool bm_word_name(char ret[static BM_MAX_NAME + 1], struct bm_bytes word);
/* The index of a word in a table whose row 0 is unused; 0 when it is not there. */
size_t bm_word_find(const char *const *words, size_t n, struct bm_bytes word);

/* The operator lines of roles and site: 1 to BM_MAX_OPERATORS, an officer among them. */
void bm_operators_take(struct bm_roles *roles, struct bm_lines *lines);
void bm_operators_build(struct bm_buf *buf, const struct bm_roles *roles);

/* A number from 1 on; none (0) has no line: one text for one content. */
uint64_t bm_number_take(struct bm_lines *lines, const char *key);
void bm_number_add(struct bm_buf *buf, const char *key, uint64_t n);
void bm_limits_take(struct bm_limits *limits, struct bm_lines *lines);
void bm_limits_add(struct bm_buf *buf, const struct bm_limits *limits);

/* NAME HEX: the name is for people, the digest decides. */
bool bm_word_name_hash(char ret_name[static BM_MAX_NAME + 1], uint8_t ret_hash[static BM_HASH], struct bm_bytes value);

#define BM_ROLE_WORDS "officer, custodian, planner, operator, auditor or station"

#endif
